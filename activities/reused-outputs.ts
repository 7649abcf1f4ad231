import type { Store } from '../adapters/store/port.js';
import { SlipwayError, unknownName } from '../plan/errors.js';
import { canonicalJson, valueAt, type JsonObject } from '../plan/json.js';
import type { RunInput, RunRecord } from '../plan/messages.js';
import { keys } from '../plan/names.js';
import type { CachedFrom, StageOutput } from '../plan/outputs.js';
import type { Plan, Ref, Stage } from '../plan/plan.js';
import { stageDefinition } from '../plan/stage-definition.js';
import { readPlan } from './plan-cache.js';
import { isStored } from './stored-objects.js';

type Rerun = NonNullable<RunInput['rerun']>;
/** Outputs that a run takes over from the one that it repeats. */
export type Reused = Record<string, { output: StageOutput; from: CachedFrom }>;
/** What is run now. */
interface Now {
  environment: string;
  plan: Plan;
  params: JsonObject;
}

const recordLimit = 64 * 1024 * 1024;

/**
 * The outputs of the ended run for every stage that does not come after `from`. `E_RERUN` when one of them is missing, said no, or would
 * not be the same now; it names the stage from which the run can be repeated.
 */
export async function reusedOutputs(store: Store, now: Now, rerun: Rerun): Promise<Reused> {
  const { plan } = now;
  const ids = plan.stages.map((s) => s.id);
  if (!ids.includes(rerun.from))
    throw refusal(rerun, unknownName('stage', rerun.from, ids), 'name a stage of the pipeline with --from');
  const record = await readRecord(store, now, rerun);
  const before = { plan: await readPlan(store, record.plan), record };
  const again = after(plan, rerun.from);
  const kept = plan.stages.filter((s) => !again.has(s.id));
  const faults = new Map<string, string>();
  for (const stage of kept) {
    const why = await whyNot(store, now, before, stage);
    if (why !== null) faults.set(stage.id, why);
  }
  if (faults.size > 0) throw cannotReuse(plan, rerun, faults);
  const views = new Map(record.stages.map((s) => [s.id, s]));
  return Object.fromEntries(
    kept.flatMap((stage): [string, Reused[string]][] => {
      const view = views.get(stage.id);
      if (view === undefined || view.output === null) return [];
      const from = { run: record.workflowId, stage: stage.id, at: view.endedAt ?? record.endedAt };
      return [[stage.id, { output: view.output, from }]];
    }),
  );
}

async function readRecord(store: Store, now: Now, rerun: Rerun): Promise<RunRecord> {
  const key = keys.runRecord(now.environment, now.plan.pipeline, rerun.runId);
  const stored = await store.read(key, { limitBytes: recordLimit });
  const record = stored === undefined ? undefined : (JSON.parse(new TextDecoder().decode(stored.body)) as RunRecord);
  if (record?.workflowId === rerun.workflowId) return record;
  throw refusal(
    rerun,
    `environment \`${now.environment}\` holds no record of this run of \`${now.plan.pipeline}\``,
    'only a run that has ended can be repeated, in its environment and pipeline; `slipway ls` lists the runs',
  );
}

/** The stage and all that come after it. */
function after(plan: Plan, from: string): Set<string> {
  const found = new Set([from]);
  // Stages stand in topological order.
  for (const stage of plan.stages) if (stage.needs.some((n) => found.has(n))) found.add(stage.id);
  return found;
}

/** Why what the stage gave then cannot stand in for what it would give now; null: it can. */
async function whyNot(
  store: Store,
  now: Now,
  before: { plan: Plan; record: RunRecord },
  stage: Stage,
): Promise<string | null> {
  const view = before.record.stages.find((s) => s.id === stage.id);
  const was = before.plan.stages.find((s) => s.id === stage.id);
  if (view === undefined || was === undefined) return 'was no stage of that run';
  if (definition(before.plan, was) !== definition(now.plan, stage)) return 'is defined otherwise now';
  if (paramsOf(was, before.record.params) !== paramsOf(stage, now.params)) return 'has other params now';
  if (view.status === 'skipped') return null;
  if ((view.status !== 'done' && view.status !== 'cached') || view.output === null) return `was ${view.status} then`;
  const stops = stage.verb !== 'gate' || stage.settings.stop !== false;
  if (stops && view.verdict !== null && view.verdict !== 'pass') return `said ${view.verdict} then`;
  return (await isStored(store, view.output)) ? null : 'left files that are not in the store any more';
}

function definition(plan: Plan, stage: Stage): string {
  return canonicalJson([stageDefinition(plan, stage), stage.branch ?? null]);
}

/** The values of the params that a stage reads. */
function paramsOf(stage: Stage, params: JsonObject): string {
  const item = stage.verb === 'each' ? stage.settings.item.bindings : [];
  return canonicalJson([...stage.bindings, ...item].map(({ ref }) => valuesOf(ref, params)));
}

function valuesOf(ref: Ref, params: JsonObject): unknown {
  if (ref.from === 'either') return ref.refs.map((r) => valuesOf(r, params));
  return ref.from === 'param' ? (valueAt(params, ref.path) ?? null) : null;
}

function cannotReuse(plan: Plan, rerun: Rerun, faults: Map<string, string>): SlipwayError {
  const wanted = [rerun.from, ...faults.keys()];
  const from = plan.stages
    .map((s) => s.id)
    .findLast((id) => {
      const again = after(plan, id);
      return wanted.every((w) => again.has(w));
    });
  const fix =
    from === undefined
      ? 'no one stage comes before all of them: start a new run, which takes from the cache what it can'
      : `rerun from \`${from}\``;
  const list = [...faults].slice(0, 5).map(([id, why]) => `\`${id}\` ${why}`);
  const more = faults.size > list.length ? [`${faults.size - list.length} more`] : [];
  return refusal(
    rerun,
    `what came before \`${rerun.from}\` cannot be taken over: ${[...list, ...more].join('; ')}`,
    fix,
  );
}

function refusal(rerun: Rerun, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_RERUN', where: rerun.workflowId, message, fix });
}
