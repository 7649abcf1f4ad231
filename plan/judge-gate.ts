import type { GateRule } from './gate-rule.js';
import type { GateRow, Metrics } from './outputs.js';
import type { Verdict } from './verdict.js';

/** A metric's value by path, or null when it is absent or not a finite number: a gate fails closed. */
export function metricAt(metrics: Metrics | null, path: readonly string[]): number | null {
  let at: unknown = metrics;
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return null;
    at = (at as Record<string, unknown>)[step];
  }
  return typeof at === 'number' && Number.isFinite(at) ? at : null;
}

/**
 * Judges one rule of a gate. A missing or invalid candidate metric is `error`. Without a champion,
 * rules against it pass and say so: the first model answers for the absolute rules only.
 */
export function judgeGateRule(rule: GateRule, candidate: Metrics, champion: Metrics | null): GateRow {
  const value = metricAt(candidate, rule.metric);
  const theirs = metricAt(champion, rule.metric);
  const row = (verdict: Verdict, threshold: number | null): GateRow => ({
    rule,
    text: gateText(rule),
    value,
    champion: theirs,
    threshold,
    verdict,
  });
  if (rule.kind === 'atLeast' || rule.kind === 'atMost') {
    if (value === null) return row('error', rule.value);
    const holds = rule.kind === 'atLeast' ? value >= rule.value : value <= rule.value;
    return row(holds ? 'pass' : 'fail', rule.value);
  }
  if (value === null) return row('error', null);
  if (champion === null) return row('pass', null);
  if (theirs === null) return row('error', null);
  const sign = rule.better === 'higher' ? 1 : -1;
  const slack = rule.kind === 'noWorseThanChampion' ? -rule.by : rule.by;
  const threshold = theirs + sign * slack;
  return row(sign * (value - threshold) >= -1e-12 ? 'pass' : 'fail', threshold);
}

/**
 * The row of a rule, with a note when the value is perfect: exactly 1 where higher is better, 0 where lower is. Leaked data and a
 * handful of rows give such values. `deny` fails the row. Members of a group, such as the recall of one class, may be perfect.
 */
export function doubted(row: GateRow, rows: number | undefined, deny: boolean): GateRow {
  const { rule, value, verdict } = row;
  const lower = rule.kind === 'atMost' || ('better' in rule && rule.better === 'lower');
  if (rule.metric.length !== 1 || value !== (lower ? 0 : 1)) return row;
  const suspicious = `${rule.metric[0]} is exactly ${value}${rows === undefined ? '' : ` on ${rows} rows`}, too good to be true`;
  return { ...row, verdict: deny && verdict === 'pass' ? 'fail' : verdict, suspicious };
}

/** The rule as people read it: `recall.lock_door at least 0.95`. */
export function gateText(rule: GateRule): string {
  const metric = rule.metric.join('.');
  switch (rule.kind) {
    case 'atLeast':
      return `${metric} at least ${rule.value}`;
    case 'atMost':
      return `${metric} at most ${rule.value}`;
    case 'noWorseThanChampion':
      return `${metric} not worse than the champion by more than ${rule.by}`;
    case 'betterThanChampion':
      return `${metric} better than the champion by at least ${rule.by}`;
  }
}
