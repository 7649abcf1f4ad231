import type { Store } from '../adapters/store/port.js';
import { SlipwayError } from '../plan/errors.js';
import { withValueAt, type Json } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { Plan, Stage, Verb } from '../plan/plan.js';
import { planFrom } from '../plan/stored-plan.js';
import type { ActivityContext, ActivityEnvironment } from './context.js';
import type { StageCall } from './calls.js';
import { sha256 } from './digest.js';
import { readStoredAt } from './stored-values.js';

const cacheLimit = 100;
const cache = new Map<string, Plan>();

/** A plan by digest, checked against it. Plans never change, so they are kept in memory. */
export async function readPlan(store: Store, digest: string): Promise<Plan> {
  const known = cache.get(digest);
  if (known !== undefined) return known;
  const stored = await store.read(keys.plan(digest));
  if (stored === undefined) {
    throw new SlipwayError({
      code: 'E_PLAN_UNKNOWN',
      message: `no plan ${digest} in the store`,
      fix: 'publish it with `slipway deploy`, or start the run without a digest',
    });
  }
  const plan = planFrom({ text: new TextDecoder().decode(stored.body), sha256: sha256(stored.body) }, digest);
  if (cache.size >= cacheLimit) cache.delete(cache.keys().next().value ?? '');
  cache.set(digest, plan);
  return plan;
}

export interface OpenStage<S extends Stage> {
  environment: ActivityEnvironment;
  plan: Plan;
  stage: S;
  /** The bound values as one object. */
  inputs: Json;
}

/** Opens the environment and the stage of a call, and puts its inputs together: those that travelled and those that are stored. */
export async function openStage<V extends Verb>(
  context: ActivityContext,
  call: StageCall,
  ...verbs: V[]
): Promise<OpenStage<Extract<Stage, { verb: V }>>> {
  const environment = await context.environment(call.run.environment);
  const { store } = environment.ports;
  const plan = await readPlan(store, call.run.plan);
  const found = plan.stages.find((s) => s.id === call.stage);
  const stage = call.item !== undefined && found?.verb === 'each' ? found.settings.item : found;
  if (stage === undefined || !(verbs as Verb[]).includes(stage.verb)) {
    throw new SlipwayError({
      code: 'E_PLAN_STAGE',
      where: call.stage,
      message: `the plan has no ${verbs.join(' or ')} stage of this id`,
      fix: 'start a new run: the plan and the run do not belong together',
    });
  }
  const stored = await Promise.all(
    Object.entries(call.stored ?? {}).map(
      async ([at, { value, path }]) => [at, await readStoredAt(store, value, path)] as const,
    ),
  );
  const given = [...Object.entries(call.inputs), ...stored];
  const inputs = given.reduce<Json>(
    (all, [at, value]) => (value === undefined ? all : withValueAt(all, at, value)),
    {},
  );
  return { environment, plan, stage: stage as Extract<Stage, { verb: V }>, inputs };
}
