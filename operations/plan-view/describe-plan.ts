import type { Environment } from '../../config/open.js';
import type { Json, JsonObject } from '../../plan/json.js';
import type { Policy } from '../../plan/policy.js';
import type { Limits, Plan, Stage } from '../../plan/plan.js';
import { retryOf, stageDefaults } from '../../plan/stage-defaults.js';
import { latestPromotion } from '../../plan/promotions.js';
import { mayBeCached } from '../../plan/stage-definition.js';
import { scheduleText } from '../../plan/schedule.js';
import { deployedPointer, servicesOf } from '../records.js';
import { longestPath, typicalDurations } from './estimate.js';
import { prospects, type Asked, type Prospect } from './prospects.js';
import { detailsOf } from './stage-details.js';
import { priorities } from '../../plan/turn.js';

export interface StageDescription {
  id: string;
  verb: string;
  /** Stages that must be done before. */
  after: string[];
  /** Time limit of one attempt; null: its verb has none. */
  timeoutMs: number | null;
  attempts: number;
  /** Pause before a further attempt; null: it has one attempt. */
  retry: NonNullable<Limits['retry']> | null;
  /** What its failure means for the run. */
  onFailure: 'fail' | 'continue' | 'compensate';
  /** Own queue of workers; null: the verb's. */
  pool: string | null;
  /** May an earlier result stand in? */
  cache: boolean;
  /** Runs only when this `when` stage went this way; null: always. */
  branch: { of: string; taken: boolean } | null;
  /** Whether an earlier result would stand in now, and why (not). */
  prospect: Prospect;
  /** Median of past runs, milliseconds; null when none ran it. People's time is part of an approval's. */
  typicalMs: number | null;
  /** What it will do with which numbers, defaults and the environment's policy filled in. */
  details: string[];
}
export interface PlanDescription {
  pipeline: string;
  owner: string | null;
  /** Of its jobs where they wait for a slot, 1 to 5. */
  priority: number;
  version: string | null;
  plan: string;
  environment: string;
  /** How it stands to the deployed plan of the environment. */
  deployed: 'same' | 'differs' | 'none';
  /** `value`: what a run would take; null where a required param was not given. */
  params: { name: string; type: string; required: boolean; default: string | null; value: Json }[];
  /** When runs start by themselves, in one line; null when the pipeline declares no schedule. */
  schedule: string | null;
  stages: StageDescription[];
  /** Holds and bakes on the longest path; jobs and people come on top. */
  minimumMs: number;
  /** The longest path through the medians of past runs, cached stages left out; null when no past run is known. */
  estimateMs: number | null;
  /** How many past runs that estimate rests on. */
  pastRuns: number;
  /** Who serves now, per service of the plan. */
  champions: { service: string; version: string | null; sequence: number | null; since: string | null }[];
}

/** What a run of this plan would do in an environment. Reads the store, writes nothing. */
export async function describePlan(environment: Environment, asked: Asked): Promise<PlanDescription> {
  const { plan, digest, past, params } = asked;
  const pointer = await deployedPointer(environment.ports.store, environment.name, plan.pipeline);
  const expected = prospects(asked);
  const typical = typicalDurations(past.map((p) => p.record));
  const minimum = (stage: Stage) => minimumOf(stage, environment.policy);
  const usual = (stage: Stage) =>
    expected.get(stage.id)?.prospect === 'cached' ? 0 : Math.max(typical.get(stage.id) ?? 0, minimum(stage));
  return {
    pipeline: plan.pipeline,
    owner: plan.owner ?? null,
    priority: plan.priority ?? priorities.usual,
    version: plan.version ?? null,
    plan: digest,
    environment: environment.name,
    deployed: pointer === undefined ? 'none' : pointer.plan === digest ? 'same' : 'differs',
    params: describeParams(plan.params, params),
    schedule: plan.schedule === undefined ? null : scheduleText(plan.schedule),
    stages: plan.stages.map((stage) => ({
      ...describeStage(stage, environment),
      prospect: expected.get(stage.id) ?? { prospect: 'unknown', because: 'no run is known', from: null },
      typicalMs: typical.get(stage.id) ?? null,
    })),
    minimumMs: longestPath(plan.stages, minimum),
    estimateMs: past.length === 0 ? null : longestPath(plan.stages, usual),
    pastRuns: past.length,
    champions: await championsOf(environment, plan),
  };
}

async function championsOf(environment: Environment, plan: Plan): Promise<PlanDescription['champions']> {
  const found = servicesOf(plan).map(async (service) => {
    const record = await latestPromotion(environment.ports.store, environment.name, service);
    return {
      service,
      version: record?.version.label ?? null,
      sequence: record?.sequence ?? null,
      since: record?.at ?? null,
    };
  });
  return await Promise.all(found);
}

function describeParams(schema: JsonObject, values: JsonObject): PlanDescription['params'] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  const required = (schema['required'] ?? []) as string[];
  return Object.entries(properties).map(([name, p]) => ({
    name,
    type: typeof p['type'] === 'string' ? p['type'] : 'value',
    required: required.includes(name),
    default: p['default'] === undefined ? null : JSON.stringify(p['default']),
    value: values[name] ?? p['default'] ?? null,
  }));
}

function describeStage(stage: Stage, environment: Environment): Omit<StageDescription, 'prospect' | 'typicalMs'> {
  return {
    id: stage.id,
    verb: stage.verb,
    after: stage.needs,
    timeoutMs: stageDefaults[stage.verb].timeout === null ? null : stage.limits.timeoutMs,
    attempts: stage.limits.attempts,
    retry: retryOf(stage.limits),
    onFailure: stage.onFailure ?? 'fail',
    pool: stage.pool ?? null,
    cache: mayBeCached(stage),
    branch: stage.branch ?? null,
    details: [...detailsOf(stage, environment), ...budgetOf(stage, environment)],
  };
}

function budgetOf({ budget }: Stage, { prices }: Environment): string[] {
  if (budget === undefined) return [];
  const never = prices === undefined ? ', never used up: the environment states no prices' : '';
  return [`budget ${budget}${prices === undefined ? '' : ` ${prices.currency}`}${never}`];
}

function minimumOf(stage: Stage, policy: Policy): number {
  if (stage.verb !== 'rollout') return 0;
  const { steps, bakeMs } = stage.settings.strategy;
  return steps.reduce((sum, s) => sum + (policy.rollout.holdMs ?? s.holdMs), 0) + (policy.rollout.bakeMs ?? bakeMs);
}
