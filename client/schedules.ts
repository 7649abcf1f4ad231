import type { ScheduleDescription, ScheduleOverlapPolicy } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { SlipwayError, unknownName } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { canonicalJson } from '../plan/json.js';
import type { RunInput } from '../plan/messages.js';
import { scheduleId, taskQueues } from '../plan/names.js';
import type { OverlapPolicy, Schedule } from '../plan/schedule.js';
import type { SlipwayClient } from './connect.js';
import { checkStart } from './start.js';

/** Who a schedule belongs to: the pipeline's file (`slipway deploy` keeps it in step) or a person. */
export type ScheduleOwner = 'pipeline' | 'person';

/** Which schedule: a pipeline has at most one per environment. */
export interface ScheduleKey {
  environment: string;
  pipeline: string;
}
export interface ScheduleRequest extends ScheduleKey {
  schedule: Schedule;
  owner: ScheduleOwner;
}

/** A schedule as Temporal has it. Times are ISO 8601. */
export interface ScheduleView extends Schedule, ScheduleKey {
  id: string;
  /** Null when another tool made it. */
  owner: ScheduleOwner | null;
  paused: boolean;
  /** Why it is paused, or what was last said about it. */
  note: string | null;
  /** The next three fire times, without jitter; none while it never fires. */
  next: string[];
  /** The last starts, newest first, at most ten. */
  recent: { workflowId: string; at: string }[];
  /** Runs of it that are active. */
  running: string[];
  started: number;
  /** Times left out because a run was active. */
  skipped: number;
  /** Times left out because they were missed for longer than the catch-up window. */
  missed: number;
}

const environmentKey = defineSearchAttributeKey('Environment', 'KEYWORD');
/** What Temporal's own form does not keep: the expressions as they were written, and the owner. Params stand in the run's input, once. */
interface Recorded {
  schedule: Omit<Schedule, 'params'>;
  owner: ScheduleOwner;
}

/** Creates a schedule. Throws `E_SCHEDULE_EXISTS` (65) when the pipeline has one, `E_SCHEDULE` when the server refuses its times, `E_PAYLOAD_SIZE` for too large params. */
export async function createSchedule(client: SlipwayClient, request: ScheduleRequest): Promise<ScheduleView> {
  const id = scheduleId(request.environment, request.pipeline);
  const defined = definition(request);
  try {
    await client.call(() => client.temporal.schedule.create({ scheduleId: id, ...defined }));
  } catch (error) {
    refuseTimes(error, id);
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    throw new SlipwayError({
      code: 'E_SCHEDULE_EXISTS',
      where: id,
      message: 'the pipeline has a schedule in this environment already',
      fix: `Change it: slipway schedule update ${request.pipeline}`,
    });
  }
  return viewSchedule(client, request);
}

/** Replaces times, policies and params; a pause and its note stay. Throws `E_SCHEDULE_UNKNOWN`, `E_SCHEDULE`, `E_PAYLOAD_SIZE` (65). */
export async function updateSchedule(client: SlipwayClient, request: ScheduleRequest): Promise<ScheduleView> {
  const defined = definition(request);
  await onSchedule(client, request, (handle) => handle.update(({ state }) => ({ ...defined, state }))).catch(
    (error: unknown) => {
      refuseTimes(error, scheduleId(request.environment, request.pipeline));
      throw error;
    },
  );
  return viewSchedule(client, request);
}

/** Times that we take and the server does not, such as a zone that is newer than its time-zone database: the SDK throws a TypeError. */
function refuseTimes(error: unknown, where: string): void {
  if (!(error instanceof TypeError)) return;
  const message = `the server refuses its times: ${error.message}`;
  throw new SlipwayError({ code: 'E_SCHEDULE', where, message, fix: 'Choose others, or give the server a newer one.' });
}

/** Throws what creating or updating would, as far as it can be known without the server: `E_PAYLOAD_SIZE` (65). */
export function checkSchedule(request: ScheduleRequest): void {
  definition(request);
}

/** What deploying a pipeline's schedule did. */
export interface AppliedSchedule {
  change: 'created' | 'updated' | 'unchanged';
  view: ScheduleView;
}

/** Creates or updates a schedule, whoever owned it before. */
export async function applySchedule(client: SlipwayClient, request: ScheduleRequest): Promise<AppliedSchedule> {
  const found = await findSchedule(client, request);
  if (found === undefined) return { change: 'created', view: await createSchedule(client, request) };
  const same = found.owner === request.owner && sameSchedule(found, request.schedule);
  return same
    ? { change: 'unchanged', view: found }
    : { change: 'updated', view: await updateSchedule(client, request) };
}

function sameSchedule(view: ScheduleView, schedule: Schedule): boolean {
  const { cron, timezone, jitterMs, overlap, catchUpMs, pauseOnFailure, params } = view;
  const now: Schedule = { cron, timezone, jitterMs, overlap, catchUpMs, pauseOnFailure, params };
  return canonicalJson(now) === canonicalJson(schedule);
}

function definition({ environment, pipeline, schedule, owner }: ScheduleRequest) {
  const input: RunInput = { environment, params: schedule.params, trigger: 'schedule' };
  checkStart(input);
  const { params: _params, ...times } = schedule;
  const recorded: Recorded = { schedule: times, owner };
  const attributes = [{ key: environmentKey, value: environment }];
  return {
    spec: { cronExpressions: schedule.cron, timezone: schedule.timezone, jitter: schedule.jitterMs },
    policies: {
      overlap: overlapName(schedule.overlap),
      catchupWindow: schedule.catchUpMs,
      pauseOnFailure: schedule.pauseOnFailure,
    },
    action: {
      type: 'startWorkflow' as const,
      workflowType: pipeline,
      taskQueue: taskQueues.pipelines,
      // Temporal appends the fire time: that is the run key.
      workflowId: scheduleId(environment, pipeline),
      args: [input],
      typedSearchAttributes: attributes,
      memo: { schedule: recorded },
    },
    typedSearchAttributes: attributes,
  };
}

/** `buffer-one` → `BUFFER_ONE`. */
export function overlapName(policy: OverlapPolicy): ScheduleOverlapPolicy {
  return policy.toUpperCase().replace('-', '_') as ScheduleOverlapPolicy;
}

/** A pipeline's schedule. Throws `E_SCHEDULE_UNKNOWN` (65), listing those of the environment. */
export async function viewSchedule(client: SlipwayClient, key: ScheduleKey): Promise<ScheduleView> {
  return onSchedule(client, key, async (handle) => toView(await handle.describe(), key));
}

/** A pipeline's schedule, or undefined when it has none. */
export async function findSchedule(client: SlipwayClient, key: ScheduleKey): Promise<ScheduleView | undefined> {
  try {
    const handle = client.temporal.schedule.getHandle(scheduleId(key.environment, key.pipeline));
    return toView(await client.call(() => handle.describe()), key);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** The schedules of an environment, by pipeline. A new one is listed after a moment only. */
export async function listSchedules(client: SlipwayClient, environment: string): Promise<ScheduleView[]> {
  const names: string[] = [];
  await client.call(async () => {
    for await (const found of client.temporal.schedule.list({ pageSize: 200 })) {
      const pipeline = found.action?.workflowType;
      if (pipeline !== undefined && found.scheduleId === scheduleId(environment, pipeline)) names.push(pipeline);
    }
  }, 30_000);
  const views: ScheduleView[] = [];
  for (const pipeline of names.sort()) {
    const view = await findSchedule(client, { environment, pipeline });
    if (view !== undefined) views.push(view);
  }
  return views;
}

type Handle = ReturnType<SlipwayClient['temporal']['schedule']['getHandle']>;

/** One call on an existing schedule. Throws `E_SCHEDULE_UNKNOWN` (65), listing those of the environment. */
export async function onSchedule<T>(
  client: SlipwayClient,
  key: ScheduleKey,
  work: (handle: Handle) => Promise<T>,
): Promise<T> {
  const id = scheduleId(key.environment, key.pipeline);
  try {
    return await client.call(() => work(client.temporal.schedule.getHandle(id)));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    const known = (await listSchedules(client, key.environment)).map((view) => view.pipeline);
    throw new SlipwayError({
      code: 'E_SCHEDULE_UNKNOWN',
      where: id,
      message: unknownName('schedule', key.pipeline, known),
      fix: `Create it: slipway schedule create ${key.pipeline} --cron '0 3 * * 1'`,
    });
  }
}

function toView(found: ScheduleDescription, { environment, pipeline }: ScheduleKey): ScheduleView {
  const recorded = found.action.memo?.['schedule'] as Recorded | undefined;
  const input = (found.action.args?.[0] ?? {}) as RunInput;
  const { info, policies, spec, state } = found;
  return {
    id: found.scheduleId,
    environment,
    pipeline,
    owner: recorded?.owner ?? null,
    cron: recorded?.schedule.cron ?? [],
    timezone: spec.timezone ?? 'UTC',
    jitterMs: spec.jitter ?? 0,
    overlap: (policies.overlap ?? 'SKIP').toLowerCase().replace('_', '-') as OverlapPolicy,
    catchUpMs: policies.catchupWindow,
    pauseOnFailure: policies.pauseOnFailure,
    params: (input.params ?? {}) satisfies JsonObject,
    paused: state.paused,
    note: state.note === undefined || state.note === '' ? null : state.note,
    next: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    recent: info.recentActions
      .map((a) => ({ workflowId: a.action.workflow.workflowId, at: a.takenAt.toISOString() }))
      .reverse(),
    running: info.runningActions.map((a) => a.workflow.workflowId),
    started: info.numActionsTaken,
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
  };
}
