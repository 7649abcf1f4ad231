import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { GraphStage, PlanGraph, RolloutFlow } from '../plan/graph.js';
import type { JsonObject } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { DeployedPointer, RolloutStage, Stage } from '../plan/plan.js';
import type { Policy } from '../plan/policy.js';
import type { Store } from '../adapters/store/port.js';
import type { ActivityContext, ActivityEnvironment } from './context.js';
import { readPlan } from './plan-cache.js';

export interface LoadPlanInput {
  pipeline: string;
  environment: string | null;
  plan: string | null;
  params: JsonObject;
}
/** What a run resolves once and keeps. */
export interface LoadedPlan {
  environment: string;
  graph: PlanGraph;
  params: JsonObject;
}

/** Resolves the plan, the params and the environment's times: the first fact of every run. */
export async function loadPlan(context: ActivityContext, input: LoadPlanInput): Promise<LoadedPlan> {
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
  return {
    environment: environment.name,
    params: context.parseParams(plan.params, input.params),
    graph: {
      digest,
      pipeline: plan.pipeline,
      registryOutageMs: environment.policy.registry.maxOutageMs,
      stages: plan.stages.map((s) => graphStage(s, environment)),
    },
  };
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

async function deployedDigest(store: Store, environment: string, pipeline: string): Promise<string> {
  const stored = await store.read(keys.deployed(environment, pipeline));
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

function graphStage(stage: Stage, { policy, protected: guarded }: ActivityEnvironment): GraphStage {
  const { id, verb, needs, bindings, limits } = stage;
  const base: GraphStage = { id, verb, needs, bindings, limits };
  switch (stage.verb) {
    case 'gate':
      return { ...base, gate: { champion: stage.settings.champion ?? null, scores: stage.settings.scores } };
    case 'approve':
      return {
        ...base,
        approve: {
          ...stage.settings,
          withinMs: policy.approval.withinMs ?? stage.settings.withinMs,
          // Silence is no proof of who agrees.
          onTimeout: guarded ? 'reject' : stage.settings.onTimeout,
        },
      };
    case 'rollout':
      return { ...base, rollout: rolloutFlow(stage, policy.rollout) };
    default:
      return base;
  }
}

function rolloutFlow(stage: RolloutStage, policy: Policy['rollout']): RolloutFlow {
  const { strategy, service } = stage.settings;
  return {
    service: service ?? null,
    steps: strategy.steps.map((s) => ({ weight: s.weight, holdMs: policy.holdMs ?? s.holdMs })),
    bakeMs: policy.bakeMs ?? strategy.bakeMs,
    maxWaitMs: policy.maxWaitMs,
    onInconclusive: policy.onInconclusive,
    leaseTtlMs: policy.leaseTtlMs,
    pollMs: policy.pollMs,
    minSamples: policy.minSamples ?? null,
  };
}
