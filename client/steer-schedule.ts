import { WorkflowNotFoundError } from '@temporalio/client';
import type { Cron } from '../plan/cron.js';
import { nextFires, parseCron } from '../plan/cron.js';
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
  const fires = timesBetween(await viewSchedule(client, request), request);
  const times = fires.slice(0, -1);
  if (times.length === 0 || times.length > maxBackfill || to.getTime() > Date.now()) {
    const found = times.length > maxBackfill ? `more than ${maxBackfill} times` : `${times.length} times`;
    const message = `it fires ${found} from ${from.toISOString()} to ${to.toISOString()}; expected are 1 to ${maxBackfill}, none to come`;
    const where = scheduleId(request.environment, request.pipeline);
    throw new SlipwayError({ code: 'E_SCHEDULE', where, message, fix: 'Choose another range.' });
  }
  // Temporal itself would run a time again once its run has ended.
  const missing = await withoutRun(client, request, times);
  // Jitter ends before the next fire time: such a range holds one of them, whatever its jitter.
  const ranges = missing.map((at) => ({
    start: new Date(at - 1),
    end: new Date((fires[fires.indexOf(at) + 1] ?? at + 60_000) - 1),
    overlap: overlapName(overlap),
  }));
  if (ranges.length > 0) await onSchedule(client, request, (handle) => handle.backfill(ranges));
  const kept = times.filter((at) => !missing.includes(at));
  return { started: missing.map(iso), kept: kept.map(iso) };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/** The workflow id that Temporal makes for a fire time. */
function runIdAt(key: ScheduleKey, at: number): string {
  return `${scheduleId(key.environment, key.pipeline)}-${iso(at).replace('.000Z', 'Z')}`;
}

/** Those times that have no run. Asked one by one: lists of runs lag behind by a moment. */
async function withoutRun(client: SlipwayClient, key: ScheduleKey, times: readonly number[]): Promise<number[]> {
  const missing: number[] = [];
  for (let i = 0; i < times.length; i += 50) {
    const some = times.slice(i, i + 50);
    const there = await client.call(() => Promise.all(some.map((at) => exists(client, runIdAt(key, at)))));
    missing.push(...some.filter((_, n) => there[n] !== true));
  }
  return missing;
}

async function exists(client: SlipwayClient, workflowId: string): Promise<boolean> {
  try {
    await client.temporal.workflow.getHandle(workflowId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Fire times from `from` to `to`, without jitter as in the ids of the runs, and the one after them. */
function timesBetween({ cron, timezone }: ScheduleView, { from, to }: BackfillRequest): number[] {
  const parsed = cron.map(parseCron).filter((c): c is Cron => typeof c !== 'string');
  const times = nextFires(parsed, timezone, from.getTime() - 1, maxBackfill + 2);
  return times.slice(0, times.filter((at) => at <= to.getTime()).length + 1);
}

/** Removes the schedule; runs that it started go on. */
export async function deleteSchedule(client: SlipwayClient, key: ScheduleKey): Promise<void> {
  await onSchedule(client, key, (handle) => handle.delete());
}
