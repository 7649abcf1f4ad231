import type { CompletePlan } from '../authoring/loading/index.js';
import { listRuns, type SlipwayClient } from '../client/index.js';
import type { Environment } from '../config/open.js';
import type { Env, OnProgress } from '../stack/index.js';
import type { Definition, Files } from './definitions.js';
import { completeAll, loadDefinitions } from './definitions.js';
import { refuseFewApprovers } from './plan-run.js';
import { movePointer, publishPlan } from './publish.js';
import { ensureEnvironments } from './python-environments.js';
import type { DeployedSchedule } from './schedules.js';
import { prepareSchedules } from './schedules.js';
import type { ReleasedBuild } from './worker-builds.js';
import { releaseBuild } from './worker-builds.js';

export interface DeployOptions extends Files {
  root: string;
  environment: Environment;
  env: Env;
  /** Who deploys, for the record. */
  by: string;
  onProgress: OnProgress;
  /** Hears what became of the build that new runs take; not called without worker versioning. */
  onBuild?(released: ReleasedBuild): void;
}
export interface Deployed {
  pipeline: string;
  environment: string;
  /** Plan digest. */
  plan: string;
  previous: string | null;
  changed: boolean;
  /** Open runs that keep another plan than this one. */
  inFlight: { workflowId: string; plan: string }[];
  /** Null when it has none. */
  schedule: DeployedSchedule | null;
}

/**
 * Publishes definitions and makes them the ones that new runs of the environment take. Faults of any file stop all
 * of it before anything is written. Runs in flight keep their plan, and are named.
 * Where workers are versioned, new runs take this package's build from now on, if its workers poll.
 * A pipeline's schedule follows its plan; a pause that a person set stays. Throws `E_TEMPORAL_UNREACHABLE` (69) first.
 */
export async function deploy(o: DeployOptions): Promise<Deployed[]> {
  return deployDefinitions(o, await loadDefinitions(o.root, o));
}

/** The same for definitions that are loaded already. */
export async function deployDefinitions(o: DeployOptions, definitions: readonly Definition[]): Promise<Deployed[]> {
  const plans = await completeAll(o.root, definitions, o);
  refuseFewApprovers(
    plans.map((p) => p.plan),
    o.environment,
  );
  await ensureEnvironments({ root: o.root, plans: plans.map((p) => p.plan), env: o.env, onProgress: o.onProgress });
  const schedules = await prepareSchedules(
    o.environment,
    plans.map((p) => p.plan),
  );
  try {
    // First, as plans may need the workers that came with this package.
    const released = await releaseBuild(o.environment, o.env);
    if (released !== null) o.onBuild?.(released);
    // A published plan that no pointer names changes nothing: all are there before the first pointer moves.
    for (const complete of plans) await publishPlan(o.environment.ports.store, complete);
    const deployed: Deployed[] = [];
    for (const complete of plans) {
      const inFlight = await runsOfOtherPlans(schedules.client, o.environment.name, complete);
      const moved = await point(o, complete);
      deployed.push({ ...moved, inFlight, schedule: await schedules.apply(complete.plan) });
    }
    return deployed;
  } finally {
    await schedules.close();
  }
}

/** Newest first, at most a thousand. One that has not read its plan yet takes the one that is deployed by then. */
async function runsOfOtherPlans(
  client: SlipwayClient,
  environment: string,
  { plan: { pipeline }, digest }: CompletePlan,
): Promise<Deployed['inFlight']> {
  const runs = await listRuns(client, { pipeline, environment, state: 'running', limit: 1_000 });
  return runs.flatMap(({ workflowId, plan }) => (plan === null || plan === digest ? [] : [{ workflowId, plan }]));
}

type Moved = Omit<Deployed, 'schedule' | 'inFlight'>;
async function point(o: DeployOptions, complete: CompletePlan): Promise<Moved> {
  const { store } = o.environment.ports;
  const { pipeline } = complete.plan;
  const at = new Date().toISOString();
  const to = { environment: o.environment.name, pipeline, digest: complete.digest, by: o.by, at };
  const previous = await movePointer(store, to);
  return { pipeline, environment: to.environment, plan: to.digest, previous, changed: previous !== to.digest };
}
