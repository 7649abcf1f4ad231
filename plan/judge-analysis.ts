import type { AnalysisRule } from './analysis-rule.js';
import type { AnalysisRow } from './outputs.js';
import { compareMeans, compareRates, type Comparison, type Moments } from './statistics.js';
import type { Verdict } from './verdict.js';

/** What was measured for one version since the step began; `null` = the metrics store had no data. */
export type Measured =
  | { kind: 'rate'; events: number; total: number }
  | ({ kind: 'mean' } & Moments)
  | { kind: 'quantile'; value: number | null; samples: number }
  | null;

export interface Measurement {
  candidate: Measured;
  champion: Measured;
  /** Why there is no data, when there is none. */
  reason?: string;
}

/**
 * Judges one rule. Too few samples or no data never pass: `inconclusive` and `error`.
 * An absolute limit is judged on the value itself once `minSamples` requests were seen; a comparison with the
 * champion passes or fails only at the rule's confidence, and is `inconclusive` between.
 */
export function judgeAnalysis(rule: AnalysisRule, measured: Measurement): AnalysisRow {
  const candidate = summary(measured.candidate);
  const champion = measured.champion === null ? null : summary(measured.champion);
  const row = (verdict: Verdict, reason: string): AnalysisRow => ({
    name: rule.name,
    text: analysisText(rule),
    verdict,
    reason,
    candidate,
    champion,
  });
  if (measured.candidate === null) return row('error', measured.reason ?? 'no data');
  if (candidate.samples < rule.minSamples) {
    return row('inconclusive', `${candidate.samples} of at least ${rule.minSamples} samples`);
  }
  if (candidate.value === null) return row('error', 'the value is not a number');
  const absolute = judgeAbsolute(rule, candidate.value);
  if (absolute?.verdict === 'fail') return row('fail', absolute.reason);
  const relative = judgeRelative(rule, measured, candidate.value, champion?.value ?? null);
  if (relative === undefined) return row('pass', absolute?.reason ?? 'nothing to compare with');
  return row(relative.verdict, relative.reason);
}

interface Judged {
  verdict: Verdict;
  reason: string;
}

function judgeAbsolute(rule: AnalysisRule, value: number): Judged | undefined {
  if (rule.kind === 'mean') {
    if (rule.min === undefined) return undefined;
    return value < rule.min
      ? { verdict: 'fail', reason: `${short(value)} is below the minimum ${short(rule.min)}` }
      : { verdict: 'pass', reason: `${short(value)} is at least ${short(rule.min)}` };
  }
  if (rule.max === undefined) return undefined;
  return value > rule.max
    ? { verdict: 'fail', reason: `${short(value)} is above the maximum ${short(rule.max)}` }
    : { verdict: 'pass', reason: `${short(value)} is at most ${short(rule.max)}` };
}

function judgeRelative(
  rule: AnalysisRule,
  m: Measurement,
  value: number,
  championValue: number | null,
): Judged | undefined {
  const limit = rule.kind === 'quantile' ? rule.ratio : rule.margin;
  if (limit === undefined) return undefined;
  if (m.champion === null || championValue === null) {
    return { verdict: 'inconclusive', reason: 'the champion has no data to compare with' };
  }
  if (rule.kind === 'quantile') {
    const allowed = championValue * limit;
    const verdict = value > allowed ? 'fail' : 'pass';
    return {
      verdict,
      reason: `${short(value)} against ${short(allowed)} allowed (${limit} × the champion's ${short(championValue)})`,
    };
  }
  if (m.candidate?.kind === 'rate' && m.champion.kind === 'rate') {
    if (m.champion.total <= 0) return { verdict: 'inconclusive', reason: 'the champion had no requests' };
    return decide(compareRates(m.candidate, m.champion, limit), limit, rule.confidence);
  }
  if (m.candidate?.kind === 'mean' && m.champion.kind === 'mean') {
    if (m.champion.count <= 0) return { verdict: 'inconclusive', reason: 'the champion had no requests' };
    return decide(compareMeans(m.candidate, m.champion, limit), limit, rule.confidence);
  }
  return { verdict: 'error', reason: 'candidate and champion were measured differently' };
}

function decide(c: Comparison, margin: number, confidence: number): Judged {
  const alpha = 1 - confidence;
  const facts = `worse than the champion by ${short(c.difference)}, ${short(margin)} allowed`;
  if (c.pWorse < alpha) return { verdict: 'fail', reason: `${facts} (p = ${short(c.pWorse)})` };
  if (c.pWithin < alpha) return { verdict: 'pass', reason: `${facts} (p = ${short(c.pWithin)})` };
  return {
    verdict: 'inconclusive',
    reason: `${facts}: not enough evidence either way (p = ${short(Math.min(c.pWorse, c.pWithin))})`,
  };
}

function summary(m: Measured): { value: number | null; samples: number } {
  if (m === null) return { value: null, samples: 0 };
  if (m.kind === 'rate') return { value: m.total > 0 ? m.events / m.total : null, samples: Math.round(m.total) };
  if (m.kind === 'mean') return { value: m.count > 0 ? m.sum / m.count : null, samples: Math.round(m.count) };
  return { value: m.value, samples: Math.round(m.samples) };
}

/** The rule as people read it. */
export function analysisText(rule: AnalysisRule): string {
  const parts: string[] = [];
  if (rule.kind === 'mean') {
    if (rule.min !== undefined) parts.push(`mean at least ${rule.min}`);
    if (rule.margin !== undefined) parts.push(`not lower than the champion's by more than ${rule.margin}`);
  } else {
    const what = rule.kind === 'rate' ? 'rate' : `p${Math.round(rule.quantile * 100)}`;
    if (rule.max !== undefined) parts.push(`${what} at most ${rule.max}`);
    if (rule.kind === 'rate' && rule.margin !== undefined)
      parts.push(`not above the champion's by more than ${rule.margin}`);
    if (rule.kind === 'quantile' && rule.ratio !== undefined) parts.push(`at most ${rule.ratio} × the champion's`);
  }
  return `${parts.join(', ')} (at least ${rule.minSamples} samples)`;
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
