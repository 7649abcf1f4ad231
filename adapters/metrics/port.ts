/** One number per series: labels and the value; `null` for NaN or infinity. */
export interface Sample {
  labels: Record<string, string>;
  value: number | null;
}
export type Answer = { kind: 'series'; samples: Sample[] } | { kind: 'no-data'; reason: string };

/** Asks the metrics store. Expressions are PromQL; label values are escaped by `selector` of plan/metric-selector.ts. */
export interface Metrics {
  /** Value at a time (ISO 8601; default now). Unreachable, timeout, warnings: `no-data` with the reason, never a throw. */
  query(expression: string, at?: string, signal?: AbortSignal): Promise<Answer>;
  /** Values over time, step in seconds, for plots. */
  range(
    expression: string,
    from: string,
    to: string,
    stepSeconds: number,
    signal?: AbortSignal,
  ): Promise<{ labels: Record<string, string>; points: [number, number | null][] }[]>;
}
