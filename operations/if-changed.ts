import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Store } from '../adapters/store/port.js';
import { dataFile, WrongSource } from '../authoring/data-file.js';
import type { SlipwayClient } from '../client/index.js';
import { listRuns } from '../client/index.js';
import { dataSource } from '../plan/data-source.js';
import { SlipwayError } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { canonicalJson, valueAt } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { Plan, SnapshotStage, Stage } from '../plan/plan.js';
import { latestPromotion } from '../plan/promotions.js';
import { encode, readJson, servicesOf, sha256, updateJson } from './records.js';

const largestObject = 256 * 1024 * 1024;
const keptRuns = 50;

/** What decides whether a run could give anything new. */
export interface RunInputs {
  /** Digest of the plan without the places in its source: stages, settings, packed code. */
  code: string;
  /** Snapshot stage → digest of what it reads; for a generated data set of what it is generated from. */
  data: Record<string, string>;
  params: JsonObject;
}
interface InputsRecord {
  format: 1;
  /** Newest first. */
  runs: { workflowId: string; inputs: RunInputs }[];
}

/** Digests of everything that a run of this plan would read. Throws `E_DATA_SOURCE` or `E_PATH_ESCAPE` (65). */
export async function inputsOf(root: string, store: Store, plan: Plan, params: JsonObject): Promise<RunInputs> {
  const { map: _lines, ...pipeline } = plan.code.pipeline;
  const unplaced = { ...plan, stages: plan.stages.map(withoutPlace), code: { ...plan.code, pipeline } };
  return { code: sha256(encode(unplaced)), data: await dataOf(root, store, plan, params), params };
}

function withoutPlace({ source: _place, ...stage }: Stage): object {
  return stage.verb === 'each'
    ? { ...stage, settings: { ...stage.settings, item: withoutPlace(stage.settings.item) } }
    : stage;
}

/** Snapshot stage → digest of what it would read. Throws `E_DATA_SOURCE` or `E_PATH_ESCAPE` (65). */
export async function dataOf(
  root: string,
  store: Store,
  plan: Plan,
  params: JsonObject,
): Promise<Record<string, string>> {
  const data: Record<string, string> = {};
  for (const stage of plan.stages) {
    if (stage.verb === 'snapshot') data[stage.id] = await dataDigest(root, store, stage, params);
  }
  return data;
}

async function dataDigest(root: string, store: Store, stage: SnapshotStage, params: JsonObject): Promise<string> {
  const bound = stage.bindings.find((b) => b.at === '/from')?.ref;
  const value = bound?.from === 'param' ? valueAt(params, bound.path) : stage.settings.from;
  const from = typeof value === 'string' ? value : '';
  const source = dataSource(from);
  switch (source.kind) {
    case 'file':
      return fileDigest(await dataFile(root, from));
    case 'object':
      return objectDigest(store, from);
    case 'other':
      return sha256(encode(from));
  }
}

/** Data that cannot be read here may be there for a worker elsewhere: then nothing is known of it. */
export function unlessElsewhere(error: unknown): undefined {
  if (error instanceof SlipwayError && !(error instanceof WrongSource)) return undefined;
  throw error;
}

async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function objectDigest(store: Store, from: string): Promise<string> {
  const stored = await store.read(store.key(from), { limitBytes: largestObject });
  if (stored !== undefined) return sha256(stored.body);
  throw new SlipwayError({
    code: 'E_DATA_SOURCE',
    where: from,
    message: 'no such object',
    fix: 'Correct the data source of the snapshot stage, or the param that names it.',
  });
}

/** Keeps what a run was started with, for the next `--if-changed`. */
export async function recordInputs(
  store: Store,
  environment: string,
  pipeline: string,
  workflowId: string,
  inputs: RunInputs,
): Promise<void> {
  await updateJson<InputsRecord>(store, keys.lastInputs(environment, pipeline), (now) => {
    const others = (now?.runs ?? []).filter((run) => run.workflowId !== workflowId);
    return { format: 1, runs: [{ workflowId, inputs }, ...others].slice(0, keptRuns) };
  });
}

/** Workflow id → what the run was started with, for the newest runs that were started here. */
export async function keptInputs(store: Store, environment: string, pipeline: string): Promise<Map<string, RunInputs>> {
  const record = await readJson<InputsRecord>(store, keys.lastInputs(environment, pipeline));
  return new Map(record?.value.runs.map((run) => [run.workflowId, run.inputs]));
}

export interface Change {
  /** Workflow id of the last promoted run; null when there is none. */
  since: string | null;
  /** What differs from it, for people; empty: nothing. */
  changed: string[];
}

/** Compares inputs with those of the last promoted (without a rollout: completed) run of the pipeline. */
export async function changeSince(
  o: { store: Store; client: SlipwayClient; environment: string; plan: Plan },
  inputs: RunInputs,
): Promise<Change> {
  const since = await lastGoodRun(o);
  if (since === null) return { since, changed: ['no run was promoted yet'] };
  const before = (await keptInputs(o.store, o.environment, o.plan.pipeline)).get(since);
  if (before === undefined) return { since, changed: [`the inputs of ${since} are not known`] };
  return { since, changed: differences(before, inputs) };
}

/** What differs between two sets of inputs, one phrase each. */
export function differences(before: RunInputs, now: RunInputs): string[] {
  const differing = (a: JsonObject, b: JsonObject) =>
    [...new Set([...Object.keys(a), ...Object.keys(b)])]
      .sort()
      .filter((key) => canonicalJson(a[key]) !== canonicalJson(b[key]));
  return [
    ...(before.code === now.code ? [] : ['code']),
    ...differing(before.data, now.data).map((stage) => `data of ${stage}`),
    ...differing(before.params, now.params).map((name) => `param ${name}`),
  ];
}

async function lastGoodRun(o: {
  store: Store;
  client: SlipwayClient;
  environment: string;
  plan: Plan;
}): Promise<string | null> {
  const services = servicesOf(o.plan);
  if (services.length === 0) {
    const { pipeline } = o.plan;
    const [last] = await listRuns(o.client, { pipeline, environment: o.environment, state: 'completed', limit: 1 });
    return last?.workflowId ?? null;
  }
  const promotions = await Promise.all(services.map((service) => latestPromotion(o.store, o.environment, service)));
  const own = promotions
    .filter((p) => p?.run.pipeline === o.plan.pipeline)
    .sort((a, b) => (b?.at ?? '').localeCompare(a?.at ?? ''));
  return own[0]?.run.workflowId ?? null;
}
