import type { Answer, Metrics } from '../../adapters/metrics/port.js';
import { selector } from '../../plan/metric-selector.js';

interface Series {
  metric: string;
  labels: Record<string, string>;
  /** Milliseconds since the epoch and value, oldest first. */
  values: [number, number][];
}
export interface FakeMetrics extends Metrics {
  /** Gives a series a value from now on. */
  publish(metric: string, labels: Record<string, string>, value: number): void;
  /** Set, every query is `no-data` with this reason, as while the store is down. */
  downBecause: string | undefined;
}

/**
 * A metrics store in memory that understands selectors as `selector` writes them, and no functions.
 *
 * @param now milliseconds since the epoch, default the real clock
 */
export function fakeMetrics(now: () => number = Date.now): FakeMetrics {
  const all = new Map<string, Series>();
  const matching = (expression: string): Series[] | undefined => {
    const wanted = parse(expression);
    if (wanted === undefined) return undefined;
    const fits = ({ metric, labels }: Series) =>
      metric === wanted.metric && Object.entries(wanted.labels).every(([key, value]) => labels[key] === value);
    return [...all.values()].filter(fits);
  };
  const fake: FakeMetrics = {
    downBecause: undefined,
    publish(metric, labels, value) {
      const name = selector(metric, labels);
      const series = all.get(name) ?? { metric, labels, values: [] };
      series.values.push([now(), value]);
      all.set(name, series);
    },
    async query(expression, at, signal): Promise<Answer> {
      signal?.throwIfAborted();
      if (fake.downBecause !== undefined) return { kind: 'no-data', reason: fake.downBecause };
      const found = matching(expression);
      if (found === undefined) return { kind: 'no-data', reason: 'no selector' };
      const time = at === undefined ? now() : Date.parse(at);
      const samples = found.flatMap(({ labels, values }) => {
        const value = valueAt(values, time);
        return value === undefined ? [] : [{ labels, value: finite(value) }];
      });
      return samples.length > 0 ? { kind: 'series', samples } : { kind: 'no-data', reason: 'no series match' };
    },
    async range(expression, from, to, stepSeconds) {
      if (fake.downBecause !== undefined) return [];
      const [start, end] = [Date.parse(from), Date.parse(to)];
      const times = Array.from(
        { length: Math.floor((end - start) / (stepSeconds * 1_000)) + 1 },
        (_, n) => start + n * stepSeconds * 1_000,
      );
      return (matching(expression) ?? []).map(({ labels, values }) => ({
        labels,
        points: times.flatMap((time): [number, number | null][] => {
          const value = valueAt(values, time);
          return value === undefined ? [] : [[time / 1_000, finite(value)]];
        }),
      }));
    },
  };
  return fake;
}

function valueAt(values: Series['values'], time: number): number | undefined {
  return values.findLast(([since]) => since <= time)?.[1];
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function parse(expression: string): { metric: string; labels: Record<string, string> } | undefined {
  const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"`;
  const [, metric, inner] = new RegExp(`^([a-z_]+)\\{((?:${label}(?:,(?!\\}))?)*)\\}$`).exec(expression) ?? [];
  if (metric === undefined || inner === undefined) return undefined;
  const pairs = [...inner.matchAll(/([a-z_]+)=("(?:[^"\\\n]|\\[\\"n])*")/g)];
  return {
    metric,
    labels: Object.fromEntries(pairs.map(([, key, value]) => [key, JSON.parse(value ?? '""') as string])),
  };
}
