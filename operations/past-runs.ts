import type { Environment } from '../config/open.js';
import type { RunRecord } from '../plan/messages.js';
import type { Plan } from '../plan/plan.js';
import { keptInputs } from './if-changed.js';
import type { PastRun } from './plan-view/prospects.js';
import { readJson, readPlan } from './records.js';

/** Records of the newest ended runs of a pipeline, newest first. Run ids begin with their time (UUID version 7, RFC 9562). */
export async function recentRecords(environment: Environment, pipeline: string, limit: number): Promise<RunRecord[]> {
  const { store } = environment.ports;
  const listed = await store.list(`runs/${environment.name}/${pipeline}/`);
  const newest = listed
    .map((o) => o.key)
    .sort()
    .reverse()
    .slice(0, limit);
  const records = await Promise.all(newest.map((key) => readJson<RunRecord>(store, key)));
  return records
    .flatMap((r) => (r === undefined ? [] : [r.value]))
    .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}

/** The same with the plans that they ran and the data that they read. */
export async function pastRuns(environment: Environment, pipeline: string, limit = 10): Promise<PastRun[]> {
  const { store } = environment.ports;
  const records = await recentRecords(environment, pipeline, limit);
  const inputs = await keptInputs(store, environment.name, pipeline);
  const plans = new Map<string, Promise<Plan | undefined>>();
  const found = records.map(async (record): Promise<PastRun[]> => {
    const reading = plans.get(record.plan) ?? readPlan(store, record.plan);
    plans.set(record.plan, reading);
    const plan = await reading;
    return plan === undefined ? [] : [{ record, plan, data: inputs.get(record.workflowId)?.data }];
  });
  return (await Promise.all(found)).flat();
}
