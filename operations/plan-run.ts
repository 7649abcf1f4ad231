import type { CompletePlan } from '../authoring/loading/index.js';
import type { Environment } from '../config/open.js';
import { approverFaults } from '../plan/approvers.js';
import { shortDigest } from '../plan/artifact.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { Plan } from '../plan/plan.js';
import type { Env, OnProgress } from '../stack/index.js';
import { completeAll, findDefinition, unknownPipeline } from './definitions.js';
import { publishPlan } from './publish.js';
import { ensureEnvironments } from './python-environments.js';
import { deployedPointer, readPlan } from './records.js';

export interface ChosenPlan {
  plan: Plan;
  digest: string;
  /** `local`: the project's own definition, which is not the deployed one. */
  source: 'deployed' | 'local';
  /** What a person should know about the choice; null when local and deployed are the same. */
  note: string | null;
  /** What has to be published before a run can take it; null for a deployed plan. */
  unpublished: CompletePlan | null;
}

/**
 * Which plan a run takes. The project's definition if it differs from the deployed one, unless the environment is
 * protected: then the deployed one. Writes nothing.
 * Throws `E_PIPELINE_UNKNOWN` or `E_NOT_DEPLOYED` (65), and `E_APPROVERS` (78).
 */
export async function choosePlan(root: string, environment: Environment, pipeline: string): Promise<ChosenPlan> {
  const chosen = await localOrDeployed(root, environment, pipeline);
  refuseFewApprovers([chosen.plan], environment);
  return chosen;
}

/** Throws `E_APPROVERS` (78) for approvals that nobody could give, because the environment names too few people. */
export function refuseFewApprovers(plans: readonly Plan[], environment: Environment): void {
  const faults = plans.flatMap((plan) => approverFaults(plan, environment));
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.configuration);
}

async function localOrDeployed(root: string, environment: Environment, pipeline: string): Promise<ChosenPlan> {
  const { store } = environment.ports;
  const definition = await findDefinition(root, pipeline);
  const pointer = await deployedPointer(store, environment.name, pipeline);
  const [local] = definition === undefined ? [] : await completeAll(root, [definition]);
  if (local !== undefined && local.digest !== pointer?.plan && !environment.protected)
    return localPlan(local, environment, pointer?.plan);
  if (pointer === undefined) throw await notDeployed(environment, pipeline, local !== undefined);
  const plan = local?.digest === pointer.plan ? local.plan : await readPlan(store, pointer.plan);
  if (plan === undefined) throw planGone(pipeline, pointer.plan);
  const differs = local !== undefined && local.digest !== pointer.plan;
  const note = differs
    ? `${environment.name} is protected: the deployed plan ${shortDigest(pointer.plan)} is used, not the differing local definition`
    : null;
  return { plan, digest: pointer.plan, source: 'deployed', note, unpublished: null };
}

function localPlan(local: CompletePlan, environment: Environment, deployed: string | undefined): ChosenPlan {
  const than =
    deployed === undefined
      ? `nothing is deployed in ${environment.name}`
      : `the deployed plan ${shortDigest(deployed)} differs`;
  return {
    plan: local.plan,
    digest: local.digest,
    source: 'local',
    note: `uses the local definition ${shortDigest(local.digest)}; ${than} and stays as it is`,
    unpublished: local,
  };
}

/** Publishes a chosen local plan with its code and environments; the deployed pointer stays. */
export async function publishChosen(
  o: { root: string; environment: Environment; env: Env; onProgress: OnProgress },
  chosen: ChosenPlan,
): Promise<void> {
  if (chosen.unpublished === null) return;
  await ensureEnvironments({ root: o.root, plans: [chosen.plan], env: o.env, onProgress: o.onProgress });
  await publishPlan(o.environment.ports.store, chosen.unpublished);
}

async function notDeployed(environment: Environment, pipeline: string, defined: boolean): Promise<SlipwayError> {
  if (defined) {
    return new SlipwayError({
      code: 'E_NOT_DEPLOYED',
      where: pipeline,
      message: `no plan is deployed in the protected environment ${environment.name}`,
      fix: `Deploy it: slipway deploy --env ${environment.name}`,
    });
  }
  const deployed = await environment.ports.store.list(`deployed/${environment.name}/`);
  return unknownPipeline(
    pipeline,
    deployed.map(({ key }) => key.replace(/^.*\//, '').replace(/\.json$/, '')),
  );
}

function planGone(pipeline: string, digest: string): SlipwayError {
  return new SlipwayError({
    code: 'E_PLAN_UNKNOWN',
    where: pipeline,
    message: `the deployed plan ${shortDigest(digest)} is not in the store`,
    fix: 'Deploy the pipeline again.',
  });
}
