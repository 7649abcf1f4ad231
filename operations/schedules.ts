import { parseParamFlags, parseParams } from '../authoring/params.js';
import type { ScheduleRequest, ScheduleView, SlipwayClient } from '../client/index.js';
import { applySchedule, checkSchedule, connect, deleteSchedule, findSchedule } from '../client/index.js';
import type { Environment } from '../config/open.js';
import { SlipwayError } from '../plan/errors.js';
import type { Fault } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import type { Plan } from '../plan/plan.js';
import type { Schedule, ScheduleDraft } from '../plan/schedule.js';
import { readSchedule } from '../plan/schedule.js';
import { deployedPointer, readPlan } from './records.js';

/** What deploying did to a pipeline's schedule; null when it has none. */
export interface DeployedSchedule {
  /** `kept`: a person made it, the pipeline's file says nothing of one. */
  change: 'created' | 'updated' | 'unchanged' | 'removed' | 'kept';
  paused: boolean;
  /** The next fire times, ISO 8601. */
  next: string[];
}

/**
 * Prepares the schedules of plans that are about to be deployed. Throws before anything is written when one is too large for
 * the server, or when one that stays would start runs with params that the new plan refuses. The answer applies one plan's
 * schedule, over a connection that it keeps.
 */
export async function prepareSchedules(
  environment: Pick<Environment, 'name' | 'temporal'>,
  plans: readonly Plan[],
): Promise<{ client: SlipwayClient; apply(plan: Plan): Promise<DeployedSchedule | null>; close(): Promise<void> }> {
  const client = await connect(environment.temporal);
  const key = (plan: Plan) => ({ environment: environment.name, pipeline: plan.pipeline });
  try {
    for (const plan of plans) {
      const { schedule } = plan;
      if (schedule !== undefined) checkSchedule({ ...key(plan), schedule, owner: 'pipeline' });
      const found = schedule === undefined ? await findSchedule(client, key(plan)) : undefined;
      if (found !== undefined && found.owner !== 'pipeline') checkKept(found, plan.params);
    }
  } catch (error) {
    await client.close();
    throw error;
  }
  return { client, apply: (plan) => applyPlanSchedule(client, plan, key(plan)), close: () => client.close() };
}

async function applyPlanSchedule(
  client: SlipwayClient,
  { schedule }: Plan,
  key: { environment: string; pipeline: string },
): Promise<DeployedSchedule | null> {
  if (schedule !== undefined) {
    const { change, view } = await applySchedule(client, { ...key, schedule, owner: 'pipeline' });
    return { change, paused: view.paused, next: view.next };
  }
  const found = await findSchedule(client, key);
  if (found === undefined) return null;
  if (found.owner !== 'pipeline') return { change: 'kept', paused: found.paused, next: found.next };
  await deleteSchedule(client, key);
  return { change: 'removed', paused: found.paused, next: [] };
}

function checkKept(found: ScheduleView, schema: JsonObject): void {
  try {
    parseParams(schema, found.params);
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    const fix = `Its schedule would start runs that fail: slipway schedule update ${found.pipeline} --param …, or delete it first.`;
    throw new SlipwayError(error.faults.map((fault): Fault => ({ ...fault, fix })));
  }
}

/**
 * A schedule that a person asks for, checked against the deployed plan: what a run would be refused for at night is
 * refused now. Throws `E_SCHEDULE`, `E_PARAM_…`, `E_NOT_DEPLOYED` (65), all faults at once.
 */
export async function requestSchedule(
  environment: Environment,
  pipeline: string,
  draft: ScheduleDraft,
  paramFlags: readonly string[] | undefined,
): Promise<ScheduleRequest> {
  const read = readSchedule(draft, Date.now());
  const faults: Fault[] = 'faults' in read ? [...read.faults] : [];
  const { params: schema } = await deployedPlan(environment, pipeline);
  const params = gathered(faults, () => {
    const given = paramFlags === undefined ? (draft.params ?? {}) : parseParamFlags(schema, paramFlags);
    parseParams(schema, given);
    return given;
  });
  if (faults.length > 0 || 'faults' in read || params === undefined) throw new SlipwayError(faults);
  return { environment: environment.name, pipeline, schedule: { ...read.schedule, params }, owner: 'person' };
}

function gathered<T>(faults: Fault[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

async function deployedPlan(environment: Environment, pipeline: string): Promise<Plan> {
  const { store } = environment.ports;
  const pointer = await deployedPointer(store, environment.name, pipeline);
  const plan = pointer === undefined ? undefined : await readPlan(store, pointer.plan);
  if (plan !== undefined) return plan;
  throw new SlipwayError({
    code: 'E_NOT_DEPLOYED',
    where: pipeline,
    message: `no plan of it is deployed in environment \`${environment.name}\``,
    fix: `slipway deploy --env ${environment.name}`,
  });
}

/** A schedule as somebody would write it: what an update starts from. */
export function draftOf(schedule: Schedule): ScheduleDraft {
  const { cron, timezone, overlap, pauseOnFailure, params } = schedule;
  const jitter = `${schedule.jitterMs}ms`;
  return { cron, timezone, jitter, overlap, catchUp: `${schedule.catchUpMs}ms`, pauseOnFailure, params };
}
