import { msNumberToTs } from '@temporalio/common/lib/time.js';
import { SlipwayError } from '../plan/errors.js';
import { scheduleId } from '../plan/names.js';
import type { OverlapPolicy } from '../plan/schedule.js';
import type { SlipwayClient } from './connect.js';
import type { ScheduleKey, ScheduleView } from './schedules.js';
import { onSchedule, overlapName, viewSchedule } from './schedules.js';

/** A schedule buffers at most a thousand starts. */
const maxBackfill = 1_000;

/** Stops it from starting runs; what runs goes on. `note` says why, for people. */
export async function pauseSchedule(client: SlipwayClient, key: ScheduleKey, note: string): Promise<ScheduleView> {
  await onSchedule(client, key, (handle) => handle.pause(note));
  return viewSchedule(client, key);
}

/** Lets it start runs again; times that passed while it was paused stay left out. */
export async function resumeSchedule(client: SlipwayClient, key: ScheduleKey, note: string): Promise<ScheduleView> {
  await onSchedule(client, key, (handle) => handle.unpause(note));
  return viewSchedule(client, key);
}

/** What a trigger did: the run that it started, or the run that was in its way. */
export interface Triggered {
  workflowId: string | null;
  skippedFor: string | null;
}

/**
 * Fires once, now, under the schedule's own overlap policy, paused or not; waits up to 10 s for what came of it.
 * Both are null when the start waits for the active run.
 */
export async function triggerSchedule(client: SlipwayClient, key: ScheduleKey): Promise<Triggered> {
  const before = await viewSchedule(client, key);
  // Left to itself the client triggers past the policy: a second active run.
  await onSchedule(client, key, (handle) => handle.trigger(overlapName(before.overlap)));
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    const now = await viewSchedule(client, key);
    if (now.started > before.started) return { workflowId: now.recent[0]?.workflowId ?? null, skippedFor: null };
    if (now.skipped > before.skipped) return { workflowId: null, skippedFor: now.running[0] ?? null };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { workflowId: null, skippedFor: null };
}

export interface BackfillRequest extends ScheduleKey {
  from: Date;
  to: Date;
  /** Default `buffer-all`: one run after the other, none left out. */
  overlap?: OverlapPolicy;
}

/** Times of a backfill (ISO 8601): those whose runs are started now, and those that had one. */
export interface Backfilled {
  started: string[];
  kept: string[];
}

/**
 * Starts a run for every time that the schedule would have fired from `from` to `to`, both included. A time that has
 * its run keeps it, as long as Temporal remembers that. Throws `E_SCHEDULE` (65) for no time at all, or more than 1,000.
 */
export async function backfillSchedule(client: SlipwayClient, request: BackfillRequest): Promise<Backfilled> {
  const { from, to, overlap = 'buffer-all' } = request;
  await viewSchedule(client, request);
  const times = from <= to ? await timesBetween(client, request) : [];
  if (times.length === 0 || times.length > maxBackfill || to.getTime() > Date.now()) {
    const found = times.length > maxBackfill ? `more than ${maxBackfill} times` : `${times.length} times`;
    const message = `it fires ${found} from ${from.toISOString()} to ${to.toISOString()}; expected are 1 to ${maxBackfill}, none to come`;
    const where = scheduleId(request.environment, request.pipeline);
    throw new SlipwayError({ code: 'E_SCHEDULE', where, message, fix: 'Choose another range.' });
  }
  // Temporal itself would run a time again once its run has ended.
  const known = await runsOf(client, request);
  const missing = times.filter((at) => !known.has(runIdAt(request, at)));
  const ranges = missing.map((at) => ({
    start: beforeStart(new Date(at)),
    end: new Date(at),
    overlap: overlapName(overlap),
  }));
  if (ranges.length > 0) await onSchedule(client, request, (handle) => handle.backfill(ranges));
  return { started: missing, kept: times.filter((at) => !missing.includes(at)) };
}

/** The workflow id that Temporal makes for a fire time. */
function runIdAt(key: ScheduleKey, at: string): string {
  return `${scheduleId(key.environment, key.pipeline)}-${at.replace('.000Z', 'Z')}`;
}

/** Ids of all runs that the schedule started. */
async function runsOf(client: SlipwayClient, key: ScheduleKey): Promise<Set<string>> {
  const query = `TemporalScheduledById = "${scheduleId(key.environment, key.pipeline)}"`;
  const ids = new Set<string>();
  await client.call(async () => {
    for await (const run of client.temporal.workflow.list({ query, pageSize: 1_000 })) ids.add(run.workflowId);
  }, 30_000);
  return ids;
}

/** Asks the server, which leaves out the start of a range. */
async function timesBetween(client: SlipwayClient, { from, to, ...key }: BackfillRequest): Promise<string[]> {
  const found: string[] = [];
  for (let start = beforeStart(from); found.length <= maxBackfill;) {
    const page = await client.call(() =>
      client.temporal.workflowService.listScheduleMatchingTimes({
        namespace: client.namespace,
        scheduleId: scheduleId(key.environment, key.pipeline),
        startTime: msNumberToTs(start.getTime()),
        endTime: msNumberToTs(to.getTime()),
      }),
    );
    const times = page.startTime.map((time) => new Date(Number(time.seconds) * 1_000));
    const last = times.at(-1);
    found.push(...times.map((time) => time.toISOString()));
    if (last === undefined || last >= to) break;
    start = last;
  }
  return found;
}

function beforeStart(from: Date): Date {
  return new Date(from.getTime() - 1);
}

/** Removes the schedule; runs that it started go on. */
export async function deleteSchedule(client: SlipwayClient, key: ScheduleKey): Promise<void> {
  await onSchedule(client, key, (handle) => handle.delete());
}
