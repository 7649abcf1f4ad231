import { cancellationSignal, sleep } from '@temporalio/activity';
import type { AnalysisRule } from '../plan/analysis-rule.js';
import { judgeAnalysis } from '../plan/judge-analysis.js';
import type { AnalysisReport, Endpoint } from '../plan/outputs.js';
import { worst } from '../plan/verdict.js';
import { beating } from './beating.js';
import type { RunRef } from './calls.js';
import type { ActivityContext, ActivityEnvironment } from './context.js';
import { measure } from './measure.js';
import { readPlan } from './plan-cache.js';

export interface WatchStepInput {
  run: RunRef;
  stage: string;
  candidate: Endpoint;
  champion: Endpoint;
  /** Only requests from here on count (ISO 8601). */
  since: string;
  /** From when the champion's requests count; earlier in a bake, where the champion has no traffic left. */
  championSince: string;
  /** A pass is not given before, an inconclusive answer not after (ISO 8601). */
  holdUntil: string;
  giveUpAt: string;
  /** Pause between two looks, milliseconds. */
  pollMs: number;
  /** Replaces the minimum samples of every rule, when the environment's policy says so. */
  minSamples: number | null;
}

/**
 * Judges the candidate until the answer is clear: `fail` at once, `pass` at the end of the hold,
 * `inconclusive` or `error` when the evidence is still missing at `giveUpAt`.
 */
export async function watchStep(context: ActivityContext, input: WatchStepInput): Promise<AnalysisReport> {
  const environment = await context.environment(input.run.environment);
  const rules = await beating(rulesOf(environment, input), { reads: 'plan' });
  for (;;) {
    const report = await beating(judge(environment, rules, input), { judges: input.candidate.id });
    const now = Date.now();
    if (report.verdict === 'fail') return report;
    const held = now >= Date.parse(input.holdUntil);
    if (held && report.verdict === 'pass') return report;
    if (now >= Date.parse(input.giveUpAt)) return report;
    cancellationSignal().throwIfAborted();
    await beating(sleep(input.pollMs), { verdict: report.verdict, at: report.at });
  }
}

async function rulesOf(environment: ActivityEnvironment, input: WatchStepInput): Promise<AnalysisRule[]> {
  const plan = await readPlan(environment.ports.store, input.run.plan);
  const stage = plan.stages.find((s) => s.id === input.stage);
  const rules = stage?.verb === 'rollout' ? stage.settings.analysis : [];
  const { minSamples } = input;
  return minSamples === null ? rules : rules.map((rule) => ({ ...rule, minSamples }));
}

async function judge(
  environment: ActivityEnvironment,
  rules: AnalysisRule[],
  input: WatchStepInput,
): Promise<AnalysisReport> {
  const { metrics, router } = environment.ports;
  const rows = await Promise.all(
    rules.map(async (rule) => judgeAnalysis(rule, await measure(metrics, router, rule, input, cancellationSignal()))),
  );
  return { verdict: worst(rows.map((r) => r.verdict)), at: new Date().toISOString(), rows };
}
