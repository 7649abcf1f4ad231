import type { WatchStepInput } from '../activities/watch-step.js';
import type { AnalysisRule } from '../plan/analysis-rule.js';
import { judgeAnalysis, type Measured } from '../plan/judge-analysis.js';
import type { AnalysisReport } from '../plan/outputs.js';
import type { Plan } from '../plan/plan.js';
import { worst, type Verdict } from '../plan/verdict.js';
import type { PipelineScript } from './script.js';

/** A look at the traffic of a step. */
export interface Look {
  /** Percent that the candidate has. */
  weight: number;
  /** Which step of the rollout, from 0; the bake is the last. */
  step: number;
  /** Which look at this step, from 0. */
  look: number;
}
/** A value; one per step (the last repeats); or a function. `null`: the metrics store has no data. */
export type Scripted = number | null | readonly (number | null)[] | ((look: Look) => number | null);

/** What the requests of a step show: a share (0..1) for a rate, a mean, or a quantile in the rule's own unit. */
export interface ScriptedMetric {
  candidate: Scripted;
  /** Default: the same as the candidate. */
  champion?: Scripted;
  /** Requests that the candidate has answered in the step; the champion is given as many. Default 100,000. */
  samples?: Scripted;
  /** Standard deviation of a mean. Default 0.1. */
  deviation?: number;
}

const manySamples = 100_000;

/** Judges the scripted numbers by the rollout's own rules, at once: the hold that follows is the workflow's timer. */
export function scriptedAnalysis(
  script: PipelineScript,
  weightOf: (service: string) => number,
): (plan: Plan, input: WatchStepInput, now: string) => AnalysisReport {
  const steps: string[] = [];
  let looks = 0;
  let looksAtStep = 0;
  return (plan, input, now) => {
    if (steps.at(-1) !== input.since) {
      steps.push(input.since);
      looksAtStep = 0;
    }
    const look: Look = { weight: weightOf(input.candidate.service), step: steps.length - 1, look: looksAtStep++ };
    const verdict = script.analysis?.[Math.min(looks++, script.analysis.length - 1)];
    const rows = rulesOf(plan, input).map((rule) =>
      verdict === undefined ? judged(rule, script.metrics?.[rule.name], look) : said(rule, verdict),
    );
    return { verdict: verdict ?? worst(rows.map((r) => r.verdict)), at: now, rows };
  };
}

function rulesOf(plan: Plan, { stage, minSamples }: WatchStepInput): AnalysisRule[] {
  const found = plan.stages.find((s) => s.id === stage);
  const rules = found?.verb === 'rollout' ? found.settings.analysis : [];
  return minSamples === null ? rules : rules.map((rule) => ({ ...rule, minSamples }));
}

function judged(rule: AnalysisRule, metric: ScriptedMetric = healthy(rule), look: Look) {
  const samples = valueOf(metric.samples ?? manySamples, look) ?? 0;
  const candidate = measured(rule, valueOf(metric.candidate, look), samples, metric.deviation);
  const champion = measured(rule, valueOf(metric.champion ?? metric.candidate, look), samples, metric.deviation);
  return judgeAnalysis(rule, { candidate, champion });
}

function said(rule: AnalysisRule, verdict: Verdict) {
  return { ...judged(rule, undefined, { weight: 0, step: 0, look: 0 }), verdict, reason: `the script says ${verdict}` };
}

function healthy(rule: AnalysisRule): ScriptedMetric {
  return { candidate: rule.kind === 'mean' ? Math.max(1, rule.min ?? 1) : 0 };
}

function measured(rule: AnalysisRule, value: number | null, samples: number, deviation = 0.1): Measured {
  if (value === null) return null;
  switch (rule.kind) {
    case 'rate':
      return { kind: 'rate', events: value * samples, total: samples };
    case 'mean':
      return {
        kind: 'mean',
        sum: value * samples,
        squares: (value * value + deviation * deviation) * samples,
        count: samples,
      };
    case 'quantile':
      return { kind: 'quantile', value, samples };
  }
}

function valueOf(scripted: Scripted, look: Look): number | null {
  if (typeof scripted === 'function') return scripted(look);
  if (scripted === null || typeof scripted === 'number') return scripted;
  return scripted[Math.min(look.step, scripted.length - 1)] ?? null;
}
