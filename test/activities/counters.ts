import type { Metrics } from '../../adapters/metrics/port.js';
import type { FakeMetrics } from '../../testing/fakes/metrics.js';

const growth =
  /^(?<now>sum\((?<x>\w+\{.*?\})\)|\(sum\((?<y>\w+\{.*?\})\) or vector\(0\)\)) - \(sum\((?<then>\w+\{.*?\}) @ (?<at>[\d.]+)\) or vector\(0\)\)$/;

/**
 * Answers the growth of counters from the series in memory, as PromQL defines it: without a series now there is no
 * answer, unless the expression says 0; without one then it counts as 0. Quantiles are what a test says.
 */
export function countersOver(fake: FakeMetrics, quantiles: Record<string, number> = {}): Metrics {
  const total = async (x: string, at?: string): Promise<number | undefined> => {
    const answer = await fake.query(x, at);
    if (answer.kind === 'no-data') return undefined;
    return answer.samples.reduce((sum, { value }) => sum + (value ?? Number.NaN), 0);
  };
  const series = (value: number) => ({ kind: 'series' as const, samples: [{ labels: {}, value }] });
  return {
    range: (...args) => fake.range(...args),
    async query(expression) {
      if (fake.downBecause !== undefined) return { kind: 'no-data', reason: fake.downBecause };
      const version = /^histogram_quantile\(.*version="([^"]*)"/.exec(expression)?.[1];
      if (version !== undefined) {
        const value = quantiles[version];
        return value === undefined ? { kind: 'no-data', reason: 'no series match' } : series(value);
      }
      const parts = growth.exec(expression)?.groups;
      if (parts === undefined) throw new Error(`not an expression for growth: ${expression}`);
      const now = (await total(parts['x'] ?? parts['y'] ?? '')) ?? (parts['y'] === undefined ? undefined : 0);
      if (now === undefined) return { kind: 'no-data', reason: 'no series match' };
      const at = new Date(Number(parts['at']) * 1_000).toISOString();
      return series(now - ((await total(parts['then'] ?? '', at)) ?? 0));
    },
  };
}
