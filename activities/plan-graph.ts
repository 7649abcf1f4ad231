import { durationMs } from '../plan/duration.js';
import type { GraphStage, PlanGraph, RolloutFlow } from '../plan/graph.js';
import type { Limits, Plan, RolloutStage, Stage } from '../plan/plan.js';
import { approvalDefaults, retryOf, stageDefaults } from '../plan/stage-defaults.js';
import { jobOf } from '../plan/stage-definition.js';
import type { Policy } from '../plan/policy.js';
import type { ActivityEnvironment } from './context.js';
import { withoutUndefined } from '../plan/json.js';

/** What the workflow needs of a plan, with the environment's times: ids, edges, limits; settings stay in the store. */
export function planGraph(plan: Plan, digest: string, environment: ActivityEnvironment): PlanGraph {
  return {
    digest,
    pipeline: plan.pipeline,
    registryOutageMs: environment.policy.registry.maxOutageMs,
    stages: plan.stages.map((s) => withBudget(graphStage(s, environment), s, plan, environment)),
  };
}

function graphStage(stage: Stage, environment: ActivityEnvironment): GraphStage {
  const { id, verb, needs, bindings, limits, pool, onFailure, branch } = stage;
  return {
    id,
    verb,
    needs,
    bindings,
    limits: { ...paced(limits), ...silence(verb, environment) },
    ...withoutUndefined({ pool, onFailure, branch }),
    ...flow(stage, environment),
  };
}

/** Said only where it is not the usual one, which the workflow knows. */
function silence(verb: Stage['verb'], { recovery = 'usual' }: ActivityEnvironment): { heartbeatMs?: number } {
  const { heartbeat } = stageDefaults[verb];
  return heartbeat[recovery] === heartbeat.usual ? {} : { heartbeatMs: durationMs(heartbeat[recovery]) };
}

/** Jobs that a budget limits; people are given as long to decide as for any other approval. */
function withBudget(found: GraphStage, stage: Stage, plan: Plan, { policy, prices }: ActivityEnvironment): GraphStage {
  const work = stage.verb === 'each' ? stage.settings.item : stage;
  if ((stage.budget ?? plan.budget) === undefined || jobOf(work) === undefined || prices === undefined) return found;
  return { ...found, budget: { withinMs: policy.approval.withinMs ?? durationMs(approvalDefaults.within) } };
}

/** A stage that may try again and does not say when waits as long as any such stage. */
function paced(limits: Limits): Limits {
  const retry = retryOf(limits);
  return retry === null ? limits : { ...limits, retry };
}

/** What a stage's own part of the workflow goes by. */
function flow(stage: Stage, environment: ActivityEnvironment): Partial<GraphStage> {
  const { policy, protected: guarded } = environment;
  switch (stage.verb) {
    case 'snapshot':
      return stage.settings.source === undefined ? {} : { job: true };
    case 'gate': {
      const { champion, scores, stop } = stage.settings;
      return { gate: { champion: champion ?? null, scores, ...withoutUndefined({ stop }) } };
    }
    case 'approve': {
      const { withinMs, onTimeout } = stage.settings;
      return {
        approve: {
          ...stage.settings,
          withinMs: policy.approval.withinMs ?? withinMs,
          // Silence is no proof of who agrees.
          onTimeout: guarded ? 'reject' : onTimeout,
        },
      };
    }
    case 'rollout':
      return { rollout: rolloutFlow(stage, policy.rollout) };
    case 'task':
      return stage.settings.compensates ? { compensates: true } : {};
    case 'each': {
      const { item, concurrency, onItemFailure } = stage.settings;
      return { each: { item: graphStage(item, environment), concurrency, onItemFailure } };
    }
    case 'when':
      return { when: { is: stage.settings.is } };
    case 'run':
      return { run: { pipeline: stage.settings.pipeline, params: stage.settings.params } };
    case 'promote':
      return { promote: { service: stage.settings.service ?? null } };
    default:
      return {};
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
