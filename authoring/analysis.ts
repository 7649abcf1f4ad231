import { z } from 'zod';
import type { AnalysisRule, Counter } from '../plan/analysis-rule.js';
import type { Duration } from '../plan/duration.js';
import { durationMs, parseDuration } from '../plan/duration.js';
import { count, findings, finite, kebab, show } from './shapes.js';
import type { Finding } from './shapes.js';

interface Common {
  /** Kebab-case, unique in the rollout. Presets have their own. */
  name: string;
  /** Fewer requests than this at the candidate: inconclusive, the step is held. Default 500. */
  minSamples?: number;
  /** One-sided confidence of a comparison, between 0.5 and 1. Default 0.95. */
  confidence?: number;
}
type Preset<T> = Partial<Common> & T;
/** An absolute limit, one against the champion in the same window, or both. */
type Limits<Absolute extends string, Relative extends string, A = number> =
  | ({ [K in Absolute]: A } & { [K in Relative]?: number })
  | ({ [K in Relative]: number } & { [K in Absolute]?: A });

/** Limits of a share of requests, both in 0..1: `max` is absolute, `margin` is how far above the champion's it may be. */
export type RateLimits = Limits<'max', 'margin'>;
/** Limits of a mean: `min` is absolute, `margin` is how far below the champion's it may be. */
export type MeanLimits = Limits<'min', 'margin'>;
/** Limits of a quantile: `max` is absolute, `ratio` is against the champion's (1.2 = at most 20 % more). */
export type QuantileLimits<A = number> = Limits<'max', 'ratio', A>;

const defaults = { minSamples: 500, confidence: 0.95 };

/** Share of events among requests. */
export function rate(options: Common & { events: Counter; total: Counter } & RateLimits): AnalysisRule {
  return { kind: 'rate', ...defaults, ...options };
}

/** Mean of a value, from its sum, sum of squares and count. */
export function mean(options: Common & { sum: Counter; squares: Counter; count: Counter } & MeanLimits): AnalysisRule {
  return { kind: 'mean', ...defaults, ...options };
}

/** Quantile of a histogram, in the histogram's own unit. */
export function quantile(options: Common & { buckets: Counter; quantile: number } & QuantileLimits): AnalysisRule {
  return { kind: 'quantile', ...defaults, ...options };
}

const model = (metric: string): Counter => ({ metric, scope: 'model' });
const route = (metric: string): Counter => ({ metric, scope: 'route' });

/** Share of requests that the model answered with its fallback; reported by the model server. */
export function fallbackRate(options: Preset<RateLimits>): AnalysisRule {
  return rate({
    name: 'fallback-rate',
    events: model('slipway_prediction_fallback_total'),
    total: model('slipway_predictions_total'),
    ...options,
  });
}

/** Mean confidence of the answers; reported by the model server. */
export function meanConfidence(options: Preset<MeanLimits>): AnalysisRule {
  return mean({
    name: 'mean-confidence',
    sum: model('slipway_prediction_confidence_total'),
    squares: model('slipway_prediction_confidence_squares_total'),
    count: model('slipway_predictions_total'),
    ...options,
  });
}

/** Share of requests that ended with a 5xx status, as the router saw them. */
export function requestErrors(options: Preset<RateLimits>): AnalysisRule {
  const events = { ...route('envoy_cluster_upstream_rq_xx'), labels: { envoy_response_code_class: '5' } };
  return rate({ name: 'request-errors', events, total: route('envoy_cluster_upstream_rq_total'), ...options });
}

/** Latency as the router saw it. `quantile` defaults to 0.95; `max` is a duration. */
export function latency(options: Preset<{ quantile?: number } & QuantileLimits<Duration>>): AnalysisRule {
  const { max, ...rest } = options;
  // The router's histogram counts milliseconds; a wrong duration is reported when the rollout is recorded.
  const limit = max === undefined ? {} : { max: parseDuration(max) === undefined ? NaN : durationMs(max) };
  return {
    kind: 'quantile',
    name: 'latency',
    quantile: 0.95,
    buckets: route('envoy_cluster_upstream_rq_time_bucket'),
    ...defaults,
    ...rest,
    ...limit,
  };
}

const counter = z.strictObject({
  metric: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/),
  labels: z.record(z.string(), z.string()).optional(),
  scope: z.enum(['model', 'route']),
});
const common = { name: kebab, minSamples: count(1, 1_000_000_000), confidence: finite(0.5, 1, true) };
const share = finite(0, 1);
const ruleShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('rate'),
    ...common,
    events: counter,
    total: counter,
    max: share.optional(),
    margin: share.optional(),
  }),
  z.strictObject({
    kind: z.literal('mean'),
    ...common,
    sum: counter,
    squares: counter,
    count: counter,
    min: finite().optional(),
    margin: finite(0).optional(),
  }),
  z.strictObject({
    kind: z.literal('quantile'),
    ...common,
    buckets: counter,
    quantile: finite(0, 1, true),
    max: finite(0).optional(),
    ratio: finite(1, 1000).optional(),
  }),
]);

/** Everything wrong with the rules of a rollout, with pointers below the list. */
export function ruleProblems(rules: readonly AnalysisRule[]): Finding[] {
  const seen = new Set<string>();
  return rules.flatMap((rule, i) => {
    const found = findings(ruleShape, rule).map((one) => ({ ...one, at: `/${i}${one.at}` }));
    if (found.length > 0) return found;
    if (limitsOf(rule).every((limit) => limit === undefined)) {
      found.push({
        code: 'E_SCHEMA',
        at: `/${i}`,
        message: `rule \`${rule.name}\` has no limit: it could never fail`,
        fix: 'give it an absolute limit, one against the champion, or both',
      });
    }
    if (seen.has(rule.name))
      found.push({
        code: 'E_DUP_ID',
        at: `/${i}/name`,
        message: `two rules are called ${show(rule.name)}`,
        fix: 'give one of them another `name`',
      });
    seen.add(rule.name);
    return found;
  });
}

function limitsOf(rule: AnalysisRule): (number | undefined)[] {
  if (rule.kind === 'rate') return [rule.max, rule.margin];
  return rule.kind === 'mean' ? [rule.min, rule.margin] : [rule.max, rule.ratio];
}
