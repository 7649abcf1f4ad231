import type { Metrics } from '../adapters/metrics/port.js';
import { selector } from '../plan/metric-selector.js';
import type { Router } from '../adapters/router/port.js';
import type { AnalysisRule, Counter } from '../plan/analysis-rule.js';
import { shortDigest } from '../plan/artifact.js';
import type { Measured, Measurement } from '../plan/judge-analysis.js';
import type { Endpoint } from '../plan/outputs.js';
import { withoutUndefined } from '../plan/json.js';

export interface Compared {
  candidate: Endpoint;
  champion: Endpoint;
  /** From when each one's requests count (ISO 8601). */
  since: string;
  championSince: string;
}

/** Measures a rule for both versions. */
export async function measure(
  metrics: Metrics,
  router: Router,
  rule: AnalysisRule,
  who: Compared,
  signal: AbortSignal,
): Promise<Measurement> {
  const of = async (endpoint: Endpoint, since: string): Promise<{ measured: Measured; reasons: string[] }> => {
    const reasons: string[] = [];
    const select = (counter: Counter) => counterSelector(counter, endpoint, router);
    const value = (counter: Counter, absent?: 'or 0') =>
      grown(metrics, select(counter), since, reasons, signal, absent);
    return { measured: await measureOne(metrics, rule, value, select, since, reasons, signal), reasons };
  };
  const [candidate, champion] = await Promise.all([of(who.candidate, who.since), of(who.champion, who.championSince)]);
  const [reason] = [...candidate.reasons, ...champion.reasons];
  return { candidate: candidate.measured, champion: champion.measured, ...withoutUndefined({ reason }) };
}

async function measureOne(
  metrics: Metrics,
  rule: AnalysisRule,
  value: (c: Counter, absent?: 'or 0') => Promise<number | null>,
  select: (c: Counter) => string,
  since: string,
  reasons: string[],
  signal: AbortSignal,
): Promise<Measured> {
  switch (rule.kind) {
    case 'rate': {
      const [total, events] = await atOnce(
        () => value(rule.total),
        () => value(rule.events, 'or 0'),
      );
      return events === null || total === null ? null : { kind: 'rate', events, total };
    }
    case 'mean': {
      const sums = async () => ({ sum: await value(rule.sum), squares: await value(rule.squares) });
      const [count, of] = await atOnce(() => value(rule.count), sums);
      const { sum, squares } = of;
      return sum === null || squares === null || count === null ? null : { kind: 'mean', sum, squares, count };
    }
    case 'quantile': {
      const samples = await value({ ...rule.buckets, metric: rule.buckets.metric.replace(/_bucket$/, '_count') });
      if (samples === null) return null;
      const x = select(rule.buckets);
      const at = `@ ${seconds(since)}`;
      const buckets = `sum by (le) (${x}) - (sum by (le) (${x} ${at}) or sum by (le) (${x}) * 0)`;
      const answer = await metrics.query(`histogram_quantile(${rule.quantile}, ${buckets})`, undefined, signal);
      if (answer.kind === 'no-data') reasons.push(answer.reason);
      return { kind: 'quantile', value: answer.kind === 'series' ? (answer.samples[0]?.value ?? null) : null, samples };
    }
  }
}

/**
 * Counters and what they are counted of, of the same scrape: one that falls between the questions would divide new requests
 * by old ones. Where scrapes keep falling between, the last answers count.
 */
async function atOnce<T>(count: () => Promise<number | null>, rest: () => Promise<T>): Promise<[number | null, T]> {
  for (let before = await count(), n = 1; ; n++) {
    const found = await rest();
    const after = await count();
    if (after === before || n === 3) return [after, found];
    before = after;
  }
}

/**
 * How much a counter grew since a time: its value now less its value then (none then: 0). An event counter that was
 * never raised may not exist yet: `absent` says that its value is 0, which a metrics store that gives no answer never is.
 */
async function grown(
  metrics: Metrics,
  x: string,
  since: string,
  reasons: string[],
  signal: AbortSignal,
  absent?: 'or 0',
): Promise<number | null> {
  const now = absent === undefined ? `sum(${x})` : `(sum(${x}) or vector(0))`;
  const answer = await metrics.query(`${now} - (sum(${x} @ ${seconds(since)}) or vector(0))`, undefined, signal);
  if (answer.kind === 'no-data') {
    reasons.push(answer.reason);
    return null;
  }
  if (answer.samples.length > 1) {
    reasons.push(`${x} answers with ${answer.samples.length} series, one is expected`);
    return null;
  }
  const value = answer.samples[0]?.value ?? null;
  if (value === null || value >= 0) return value;
  reasons.push(`${x} fell since the step began: its process restarted, and what it counted before is lost`);
  return null;
}

/** The series of one version: model servers label theirs, the router tells its own labels. */
export function counterSelector(counter: Counter, endpoint: Endpoint, router: Router): string {
  const labels =
    counter.scope === 'route'
      ? router.labels(endpoint)
      : { service: endpoint.service, version: endpoint.version, digest: shortDigest(endpoint.sha256) };
  return selector(counter.metric, { ...labels, ...counter.labels });
}

function seconds(iso: string): string {
  return (Date.parse(iso) / 1_000).toFixed(3);
}
