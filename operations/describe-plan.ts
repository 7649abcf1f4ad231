import type { Environment } from '../config/open.js';
import { formatDuration } from '../plan/duration.js';
import { analysisText } from '../plan/judge-analysis.js';
import { gateText } from '../plan/judge-gate.js';
import type { JsonObject } from '../plan/json.js';
import type { Policy } from '../plan/policy.js';
import type { Binding, JobSettings, Plan, Ref, Stage } from '../plan/plan.js';
import { scheduleText } from '../plan/schedule.js';
import { deployedPointer, latestPromotion, servicesOf } from './records.js';

export interface StageDescription {
  id: string;
  verb: string;
  /** Stages that must be done before. */
  after: string[];
  timeoutMs: number;
  attempts: number;
  /** What it will do with which numbers, defaults and the environment's policy filled in. */
  details: string[];
}
export interface PlanDescription {
  pipeline: string;
  owner: string | null;
  version: string | null;
  plan: string;
  environment: string;
  /** How it stands to the deployed plan of the environment. */
  deployed: 'same' | 'differs' | 'none';
  params: { name: string; type: string; default: string | null }[];
  /** When runs start by themselves, in one line; null when the pipeline declares no schedule. */
  schedule: string | null;
  stages: StageDescription[];
  /** Holds and bakes alone; jobs and people come on top. */
  minimumMs: number;
  /** Who serves now, per service of the plan. */
  champions: { service: string; version: string | null; sequence: number | null; since: string | null }[];
}

/** What a run of this plan would do in an environment. Reads the store, writes nothing. */
export async function describePlan(environment: Environment, plan: Plan, digest: string): Promise<PlanDescription> {
  const { store } = environment.ports;
  const pointer = await deployedPointer(store, environment.name, plan.pipeline);
  const champions = servicesOf(plan).map(async (service) => {
    const record = await latestPromotion(store, environment.name, service);
    return {
      service,
      version: record?.version.label ?? null,
      sequence: record?.sequence ?? null,
      since: record?.at ?? null,
    };
  });
  return {
    pipeline: plan.pipeline,
    owner: plan.owner ?? null,
    version: plan.version ?? null,
    plan: digest,
    environment: environment.name,
    deployed: pointer === undefined ? 'none' : pointer.plan === digest ? 'same' : 'differs',
    params: describeParams(plan.params),
    schedule: plan.schedule === undefined ? null : scheduleText(plan.schedule),
    stages: plan.stages.map((stage) => describeStage(stage, environment)),
    minimumMs: plan.stages.reduce((sum, stage) => sum + minimumOf(stage, environment.policy), 0),
    champions: await Promise.all(champions),
  };
}

function describeParams(schema: JsonObject): PlanDescription['params'] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  return Object.entries(properties).map(([name, p]) => ({
    name,
    type: typeof p['type'] === 'string' ? p['type'] : 'value',
    default: p['default'] === undefined ? null : JSON.stringify(p['default']),
  }));
}

function describeStage(stage: Stage, environment: Environment): StageDescription {
  return {
    id: stage.id,
    verb: stage.verb,
    after: stage.needs,
    timeoutMs: stage.limits.timeoutMs,
    attempts: stage.limits.attempts,
    details: detailsOf(stage, environment),
  };
}

function detailsOf(stage: Stage, environment: Environment): string[] {
  switch (stage.verb) {
    case 'snapshot': {
      const { from, source, split } = stage.settings;
      const by = split?.by === undefined ? '' : `, rows of one ${split.by} together`;
      return [
        `from ${from ?? boundTo(stage.bindings, '/from') ?? 'its source'}`,
        ...(source === undefined ? [] : jobDetails(source, stage.bindings)),
        split === undefined ? 'not split' : `holdout ${percent(split.holdout)}${by}, seed ${split.seed}`,
      ];
    }
    case 'validate':
      return [
        `${stage.settings.suite.length} expectations, at most ${percent(stage.settings.maxFailureRate)} of rows may fail each`,
      ];
    case 'train':
    case 'evaluate':
      return jobDetails(stage.settings, stage.bindings);
    case 'gate': {
      const { champion, rules } = stage.settings;
      const against = champion === undefined ? [] : [`champion: what serves as ${champion}, scored on the same data`];
      return [...rules.map(gateText), ...against];
    }
    case 'register':
      return [
        `as ${stage.settings.as}, alias ${stage.settings.alias}`,
        `version ${stage.settings.version ?? 'from the digest of its inputs'}`,
      ];
    case 'approve':
      return approvalDetails(stage.settings, environment);
    case 'rollout':
      return rolloutDetails(stage, environment.policy);
    default:
      return [];
  }
}

function jobDetails(job: JobSettings, bindings: readonly Binding[]): string[] {
  const bound = bindings
    .filter((b) => b.at.startsWith('/params/'))
    .map((b) => `${b.at.slice(8)} = ${boundTo(bindings, b.at) ?? ''}`);
  const literal = Object.entries(job.params).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const params = [...literal, ...bound].sort();
  const { adapter, run, folder } = job.trainer;
  return [
    `${adapter}: ${run.join(' ')}${folder === undefined ? '' : ` (in ${folder})`}`,
    ...(params.length > 0 ? [params.join(', ')] : []),
  ];
}

function approvalDetails(
  settings: { by: string[]; quorum: number; withinMs: number; onTimeout: string },
  environment: Environment,
): string[] {
  const roles = settings.by.map((role) => {
    const people = environment.approvers[role];
    return people === undefined ? role : `${role} (${people.join(', ')})`;
  });
  const ownMs = environment.policy.approval.withinMs;
  const within = formatDuration(ownMs ?? settings.withinMs);
  return [
    `${settings.quorum} of ${roles.join(', ')}`,
    `within ${within}${ownMs === undefined ? '' : ` (set by ${environment.name})`}, else ${settings.onTimeout}`,
    environment.protected
      ? 'refused here: nobody can prove yet who they are'
      : 'names are taken as typed, unverified: the list tells people, it stops nobody',
  ];
}

function rolloutDetails(stage: Extract<Stage, { verb: 'rollout' }>, policy: Policy): string[] {
  const { strategy, analysis, service, smoke } = stage.settings;
  const { holdMs, bakeMs, minSamples, maxWaitMs, onInconclusive, leaseTtlMs, pollMs } = policy.rollout;
  const steps = strategy.steps.map((s) => `${s.weight} % for ${formatDuration(holdMs ?? s.holdMs)}`);
  return [
    `service ${service ?? 'of the registered name'}, ${smoke.length} smoke requests`,
    `${[...steps, '100 %'].join(' → ')} → bake ${formatDuration(bakeMs ?? strategy.bakeMs)}`,
    ...analysis.map((rule) => `${rule.name}: ${analysisText({ ...rule, minSamples: minSamples ?? rule.minSamples })}`),
    `judged every ${formatDuration(pollMs)}; inconclusive for ${formatDuration(maxWaitMs)}: ${onInconclusive}; lease ${formatDuration(leaseTtlMs)}`,
  ];
}

function minimumOf(stage: Stage, policy: Policy): number {
  if (stage.verb !== 'rollout') return 0;
  const { steps, bakeMs } = stage.settings.strategy;
  return steps.reduce((sum, s) => sum + (policy.rollout.holdMs ?? s.holdMs), 0) + (policy.rollout.bakeMs ?? bakeMs);
}

function boundTo(bindings: readonly Binding[], at: string): string | undefined {
  const ref = bindings.find((b) => b.at === at)?.ref;
  return ref === undefined ? undefined : refText(ref);
}

function refText(ref: Ref): string {
  if (ref.from === 'either') return ref.refs.map(refText).join(' or ');
  return [ref.from === 'param' ? 'params' : ref.from === 'item' ? 'item' : ref.stage, ...ref.path].join('.');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
