import { beforeEach, describe, expect, test } from 'vitest';

import { counterSelector, measure, type Compared } from '../../activities/measure.js';
import { judgeAnalysis } from '../../plan/judge-analysis.js';
import type { Endpoint } from '../../plan/outputs.js';
import { confidenceRule, fallbackRule, latencyRule } from '../plan/rules.js';
import { type FakeMetrics, fakeMetrics } from '../../testing/fakes/metrics.js';
import { fakeRouter } from '../../testing/fakes/router.js';
import { countersOver } from './counters.js';

const endpoint = (version: string): Endpoint => ({
  id: `intents-${version}`,
  service: 'intents',
  host: '127.0.0.1',
  port: 1,
  version,
  sha256: version.repeat(64),
});
const since = '2026-01-01T00:01:00.000Z';
const who: Compared = { candidate: endpoint('2'), champion: endpoint('1'), since, championSince: since };

let now: number;
let metrics: FakeMetrics;
beforeEach(() => {
  now = Date.parse('2026-01-01T00:00:00Z');
  metrics = fakeMetrics(() => now);
});

/** What a version's server counts so far. */
function report(version: string, counts: Record<string, number>): void {
  const labels = { service: 'intents', version, digest: version.repeat(12) };
  for (const [metric, value] of Object.entries(counts)) metrics.publish(metric, labels, value);
}
const router = fakeRouter();
const { signal } = new AbortController();
const fallback = fallbackRule({ max: 0.08 });
const measured = (rule: Parameters<typeof measure>[2] = fallback, compared = who) =>
  measure(countersOver(metrics), router, rule, compared, signal);
const minutesLater = (n: number) => void (now += n * 60_000);

describe('what is measured', () => {
  test('is what was counted since the step began, not before', async () => {
    report('1', { predictions_total: 1_000, fallback_total: 500 });
    minutesLater(2);
    report('1', { predictions_total: 1_900, fallback_total: 536 });
    report('2', { predictions_total: 100, fallback_total: 9 });
    expect(await measured()).toEqual({
      candidate: { kind: 'rate', events: 9, total: 100 },
      champion: { kind: 'rate', events: 36, total: 900 },
    });
  });

  test('is of one scrape: what is asked while another one falls between is asked again', async () => {
    minutesLater(2);
    report('2', { predictions_total: 24, fallback_total: 2 });
    const counters = countersOver(metrics);
    let asked = 0;
    const scraped: typeof counters = {
      ...counters,
      query: async (...question) => {
        const answer = await counters.query(...question);
        if (++asked === 1) report('2', { predictions_total: 64, fallback_total: 5 });
        return answer;
      },
    };
    const alone = { ...who, champion: endpoint('2') };
    const { candidate } = await measure(scraped, router, fallback, alone, signal);
    expect(candidate).toEqual({ kind: 'rate', events: 5, total: 64 });
  });

  test('may go back further for a champion that has no traffic any more', async () => {
    report('1', { predictions_total: 900, fallback_total: 36 });
    minutesLater(2);
    report('2', { predictions_total: 100 });
    const compared = { ...who, championSince: '2025-12-31T00:00:00.000Z' };
    expect((await measured(fallback, compared)).champion).toEqual({ kind: 'rate', events: 36, total: 900 });
    expect((await measured()).champion).toEqual({ kind: 'rate', events: 0, total: 0 });
  });

  test('counts an event that never happened as zero, though its counter does not exist', async () => {
    minutesLater(2);
    report('2', { predictions_total: 100 });
    expect((await measured()).candidate).toEqual({ kind: 'rate', events: 0, total: 100 });
  });

  test('is nothing when a server began anew: what it had counted is lost', async () => {
    report('2', { predictions_total: 500, fallback_total: 20 });
    minutesLater(2);
    report('2', { predictions_total: 800, fallback_total: 1 });
    const lost = await measured();
    expect(lost.candidate).toBeNull();
    expect(judgeAnalysis(fallback, lost)).toMatchObject({
      verdict: 'error',
      reason: expect.stringContaining('fell') as string,
    });
  });

  test('of a mean are its three sums', async () => {
    minutesLater(2);
    report('2', { sum_total: 70, squares_total: 50, predictions_total: 100 });
    const mean = await measured(confidenceRule({ min: 0.6 }));
    expect(mean.candidate).toEqual({ kind: 'mean', sum: 70, squares: 50, count: 100 });
    expect(mean).toMatchObject({ champion: null, reason: 'no series match' });
  });

  test('of a quantile are its value and how many requests it stands on', async () => {
    minutesLater(2);
    report('2', { latency_ms_count: 200 });
    report('1', { latency_ms_count: 900 });
    const rule = latencyRule({ max: 250 });
    expect(await measure(countersOver(metrics, { 2: 110, 1: 100 }), router, rule, who, signal)).toEqual({
      candidate: { kind: 'quantile', value: 110, samples: 200 },
      champion: { kind: 'quantile', value: 100, samples: 900 },
    });
    expect((await measured(rule)).candidate).toEqual({ kind: 'quantile', value: null, samples: 200 });
  });
});

describe('a metrics store that is away', () => {
  test('is no data with its reason, and the verdict is error', async () => {
    metrics.downBecause = 'timed out after 10 s';
    const nothing = await measured();
    expect(nothing).toEqual({ candidate: null, champion: null, reason: 'timed out after 10 s' });
    expect(judgeAnalysis(fallback, nothing)).toMatchObject({ verdict: 'error', reason: 'timed out after 10 s' });
  });

  test('for one question only is not taken for events that never happened', async () => {
    minutesLater(2);
    report('2', { predictions_total: 100, fallback_total: 90 });
    report('1', { predictions_total: 900, fallback_total: 36 });
    const answering = countersOver(metrics);
    const failing = {
      ...answering,
      query: async (expression: string) =>
        expression.includes('fallback_total')
          ? { kind: 'no-data' as const, reason: 'timed out' }
          : await answering.query(expression),
    };
    const nothing = await measure(failing, router, fallback, who, signal);
    expect(judgeAnalysis(fallback, nothing)).toMatchObject({ verdict: 'error', reason: 'timed out' });
  });
});

describe('the series of a version', () => {
  test('of the model server are found by service, version and digest', () => {
    expect(counterSelector({ metric: 'm', scope: 'model', labels: { code: '500' } }, endpoint('2'), router)).toBe(
      'm{code="500",digest="222222222222",service="intents",version="2"}',
    );
  });

  test("of the router are found by the router's own labels", () => {
    expect(counterSelector({ metric: 'm', scope: 'route' }, endpoint('2'), router)).toBe(
      'm{envoy_cluster_name="intents-2"}',
    );
  });

  test('are never another query, whatever a version is called', () => {
    const hostile = { ...endpoint('2'), version: '1"} or vector(1) #\n\\' };
    expect(counterSelector({ metric: 'm', scope: 'model' }, hostile, router)).toContain(
      String.raw`version="1\"} or vector(1) #\n\\"`,
    );
  });
});
