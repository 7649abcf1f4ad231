import type { AnalysisRule } from '../../plan/analysis-rule.js';
import type { Measured, Measurement } from '../../plan/judge-analysis.js';
import type { Moments } from '../../plan/statistics.js';

const counter = (metric: string) => ({ metric, scope: 'model' as const });

type RateRule = Extract<AnalysisRule, { kind: 'rate' }>;
type MeanRule = Extract<AnalysisRule, { kind: 'mean' }>;
type QuantileRule = Extract<AnalysisRule, { kind: 'quantile' }>;

export function fallbackRule(limits: Partial<RateRule>): RateRule {
  const counters = { events: counter('fallback_total'), total: counter('predictions_total') };
  return { kind: 'rate', name: 'fallback', minSamples: 100, confidence: 0.95, ...counters, ...limits };
}

export function confidenceRule(limits: Partial<MeanRule>): MeanRule {
  const counters = {
    sum: counter('sum_total'),
    squares: counter('squares_total'),
    count: counter('predictions_total'),
  };
  return { kind: 'mean', name: 'confidence', minSamples: 50, confidence: 0.95, ...counters, ...limits };
}

export function latencyRule(limits: Partial<QuantileRule>): QuantileRule {
  const what = { buckets: counter('latency_ms_bucket'), quantile: 0.95 };
  return { kind: 'quantile', name: 'latency', minSamples: 50, confidence: 0.95, ...what, ...limits };
}

type Share = readonly [events: number, total: number];

/** `[events, total]` of both versions, candidate first. */
export function rates(candidate: Share, champion: Share): Measurement {
  const measured = ([events, total]: Share): Measured => ({ kind: 'rate', events, total });
  return { candidate: measured(candidate), champion: measured(champion) };
}

/** What a counter trio holds after `count` values of this mean and standard deviation. */
export function moments(mean: number, deviation: number, count: number): { kind: 'mean' } & Moments {
  const squares = count * mean ** 2 + (count - 1) * deviation ** 2;
  return { kind: 'mean', sum: mean * count, squares, count };
}
