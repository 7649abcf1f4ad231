import { approverFaults } from '../plan/approvers.js';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';
import type { PlanGraph } from '../plan/graph.js';
import type { JsonObject } from '../plan/json.js';
import type { RunInput } from '../plan/messages.js';
import { keys } from '../plan/names.js';
import { packGraph, type PackedGraph } from '../plan/packed-graph.js';
import type { DeployedPointer, Plan } from '../plan/plan.js';
import { turnOf } from '../plan/turn.js';
import type { Store, StoredDocument } from '../adapters/store/port.js';
import type { ActivityContext, ActivityEnvironment } from './context.js';
import { checkPayload } from '../plan/payload.js';
import { readPlan } from './plan-cache.js';
import { planGraph } from './plan-graph.js';
import { reusedOutputs, type Reused } from './reused-outputs.js';
import { SharedReads } from './shared-reads.js';

export interface LoadPlanInput {
  pipeline: string;
  environment: string | null;
  plan: string | null;
  params: JsonObject;
  rerun: NonNullable<RunInput['rerun']> | null;
  /** Of this run; absent: the pipeline's. */
  priority?: number;
}
/** What a run resolves once and keeps. */
export interface LoadedPlan {
  environment: string;
  /** Packed, so that 500 stages take less than 64 KB of history. */
  graph: PackedGraph | PlanGraph;
  params: JsonObject;
  /** By stage: what an ended run gave that is not made again. Absent in histories of earlier builds. */
  reused?: Reused;
  /** No notifier is configured: news would reach nobody, and is not sent. */
  quiet?: true;
}

/** Resolves the plan, the params and the environment's times: the first fact of every run. */
export async function loadPlan(context: ActivityContext, input: LoadPlanInput): Promise<LoadedPlan> {
  checkPayload('the params of the run', input.params, 'put large data into the store and pass where it is');
  const environment = await context.environment(input.environment ?? context.defaultEnvironment);
  const { store } = environment.ports;
  const digest = await planDigest(environment, input);
  const plan = await readPlan(store, digest);
  if (plan.pipeline !== input.pipeline) {
    throw new SlipwayError({
      code: 'E_PLAN_PIPELINE',
      where: digest.slice(0, 12),
      message: `the plan is of \`${plan.pipeline}\`, the run of \`${input.pipeline}\``,
      fix: "start the run with the workflow type of the plan's pipeline",
    });
  }
  checkPools(plan, environment);
  checkApprovers(plan, environment);
  const params = context.parseParams(plan.params, input.params);
  const now = { environment: environment.name, plan, params };
  return {
    environment: environment.name,
    params,
    graph: packGraph({ ...planGraph(plan, digest, environment), ...turn(plan, input) }),
    reused: input.rerun === null ? {} : await reusedOutputs(store, now, input.rerun),
    ...(environment.ports.notifiers.length === 0 ? { quiet: true } : {}),
  };
}

function turn({ owner, priority }: Plan, input: LoadPlanInput): Pick<PlanGraph, 'turn'> {
  const found = turnOf(owner, input.priority ?? priority);
  return found === undefined ? {} : { turn: found };
}

/** A stage on a queue that nobody serves would wait for ever. */
function checkPools(plan: Plan, environment: ActivityEnvironment): void {
  const known = Object.keys(environment.pools);
  const faults = plan.stages.flatMap((stage) => {
    const pool = stage.pool ?? (stage.verb === 'each' ? stage.settings.item.pool : undefined);
    if (pool === undefined || known.includes(pool)) return [];
    return {
      code: 'E_POOL',
      where: stage.id,
      message: unknownName('pool', pool, known),
      fix: `add it under \`pools\` of environment \`${environment.name}\`, and start workers with --queues jobs-${pool}`,
    };
  });
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.configuration);
}

/** An approval that nobody could give would hold the run until its time is over. */
function checkApprovers(plan: Plan, environment: ActivityEnvironment): void {
  const faults = approverFaults(plan, environment);
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.configuration);
}

/** The digest given with the run, or the deployed one; a protected environment runs what is deployed in it and nothing else. */
async function planDigest(environment: ActivityEnvironment, input: LoadPlanInput): Promise<string> {
  if (input.plan !== null && !environment.protected) return input.plan;
  const deployed = await deployedDigest(environment.ports.store, environment.name, input.pipeline);
  if (input.plan === null || input.plan === deployed) return deployed;
  throw new SlipwayError(
    {
      code: 'E_PLAN_NOT_DEPLOYED',
      where: input.plan.slice(0, 12),
      message: `environment \`${environment.name}\` is protected and runs its deployed plan ${deployed.slice(0, 12)} only`,
      fix: `slipway deploy --env ${environment.name}, then start without a digest`,
    },
    exitCodes.permission,
  );
}

/** A burst of runs asks for the same pointer. */
const pointers = new WeakMap<Store, SharedReads<StoredDocument | undefined>>();

function readPointer(store: Store, key: string): Promise<StoredDocument | undefined> {
  const reads = pointers.get(store) ?? new SharedReads((asked) => store.read(asked));
  pointers.set(store, reads);
  return reads.get(key);
}

async function deployedDigest(store: Store, environment: string, pipeline: string): Promise<string> {
  const stored = await readPointer(store, keys.deployed(environment, pipeline));
  if (stored === undefined) {
    const known = await store.list(`deployed/${environment}/`);
    const names = known
      .map((k) =>
        k.key
          .split('/')
          .at(-1)
          ?.replace(/\.json$/, ''),
      )
      .join(', ');
    throw new SlipwayError({
      code: 'E_NOT_DEPLOYED',
      where: pipeline,
      message: `no plan is deployed in environment \`${environment}\`; deployed are: ${names || 'none'}`,
      fix: `slipway deploy --env ${environment}`,
    });
  }
  return (JSON.parse(new TextDecoder().decode(stored.body)) as DeployedPointer).plan;
}
