/**
 * A counter of the metrics store. `scope` says which labels find one version's series:
 * `model` = what the model server reports about itself, `route` = what the router saw.
 */
export interface Counter {
  metric: string;
  labels?: Record<string, string>;
  scope: 'model' | 'route';
}

interface RuleBase {
  /** Kebab-case, unique in the rollout. */
  name: string;
  /** Fewer requests than this at the candidate: inconclusive. */
  minSamples: number;
  /** One-sided confidence of a comparison, 0.5 < confidence < 1. Default 0.95. */
  confidence: number;
}

/** One rule of an online judgement, over the requests since the step began. */
export type AnalysisRule =
  /** Share of events among requests. `max` is absolute; `margin` is against the champion in the same window (both in 0..1). */
  | (RuleBase & { kind: 'rate'; events: Counter; total: Counter; max?: number; margin?: number })
  /** Mean of a value from its sum, sum of squares and count. `min` is absolute; `margin` is how much lower than the champion it may be. */
  | (RuleBase & { kind: 'mean'; sum: Counter; squares: Counter; count: Counter; min?: number; margin?: number })
  /** Quantile of a histogram in its own unit. `max` is absolute; `ratio` is against the champion's. */
  | (RuleBase & { kind: 'quantile'; buckets: Counter; quantile: number; max?: number; ratio?: number });
