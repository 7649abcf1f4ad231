import type { Environment } from '../../config/open.js';
import { formatDuration } from '../../plan/duration.js';
import { analysisText } from '../../plan/judge-analysis.js';
import { gateText } from '../../plan/judge-gate.js';
import type { Policy } from '../../plan/policy.js';
import type { Binding, JobSettings, Ref, Stage } from '../../plan/plan.js';
import { limitsText, retryOf } from '../../plan/stage-defaults.js';

/** What a stage will do with which numbers, defaults and the environment's policy filled in. */
export function detailsOf(stage: Stage, environment: Environment): string[] {
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
      const { champion, rules, perfect } = stage.settings;
      const against = champion === undefined ? [] : [`champion: what serves as ${champion}, scored on the same data`];
      const denied = perfect === 'deny' ? ['a perfect metric fails it'] : [];
      return [...rules.map(gateText), ...against, ...denied];
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
      return flowDetails(stage, environment);
  }
}

/** Stages that route, repeat, start or tell. */
function flowDetails(
  stage: Extract<Stage, { verb: 'task' | 'each' | 'when' | 'run' | 'notify' | 'promote' }>,
  environment: Environment,
): string[] {
  switch (stage.verb) {
    case 'task':
      return [
        inputText('input', stage.settings.input, stage.bindings),
        ...(stage.settings.compensates ? ['can undo its work'] : []),
      ];
    case 'each': {
      const { item, concurrency, onItemFailure, best } = stage.settings;
      return [
        `${item.verb} for each of ${boundTo(stage.bindings, '/over') ?? 'a list'}, at most ${concurrency} at once; when one fails: ${onItemFailure}`,
        ...(best === undefined ? [] : [`best: ${best.direction} of ${best.path.join('.')}`]),
        ...itemLimits(item),
        ...detailsOf(item, environment),
      ];
    }
    case 'when':
      return [`taken when ${boundTo(stage.bindings, '/on') ?? ''} is ${JSON.stringify(stage.settings.is)}`];
    case 'run':
      return [`pipeline ${stage.settings.pipeline}`, inputText('params', stage.settings.params, stage.bindings)];
    case 'notify':
      return [stage.settings.text];
    case 'promote':
      return [`service ${stage.settings.service ?? 'of the registered name'}, no traffic is moved`];
  }
}

/** What holds for each element: its stage has no line of its own. */
function itemLimits({ limits, pool }: Stage): string[] {
  const facts = [...limitsText({ ...limits, retry: retryOf(limits) }), ...(pool === undefined ? [] : [`pool ${pool}`])];
  return [`for each: ${facts.join(', ')}`];
}

function inputText(name: string, literal: Record<string, unknown>, bindings: readonly Binding[]): string {
  const bound = bindings.map((b) => `${b.at.slice(name.length + 2)} = ${boundTo(bindings, b.at) ?? ''}`);
  const given = Object.entries(literal).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [...given, ...bound].sort().join(', ') || `no ${name}`;
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
