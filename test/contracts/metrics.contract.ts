import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Answer, Metrics } from '../../adapters/metrics/port.js';
import { selector } from '../../plan/metric-selector.js';

export interface MetricsHarness {
  metrics: Metrics;
  /** Lets series have these values from now on. */
  publish(series: { metric: string; labels: Record<string, string>; value: number }[]): Promise<void>;
  close(): Promise<void>;
}

const hostile = 'a"} or vector(1) or x{b="\\\n';
const limit = { timeout: 60_000, interval: 100 };

/** What every metrics store must do. */
export function describeMetrics(name: string, open: () => Promise<MetricsHarness>): void {
  describe(`metrics ${name}`, () => {
    let harness: MetricsHarness;
    let metrics: Metrics;
    let startedAt: string;
    beforeAll(async () => {
      harness = await open();
      metrics = harness.metrics;
      startedAt = new Date(Date.now() - 60_000).toISOString();
      await harness.publish([
        { metric: 'requests_total', labels: { version: '1', digest: 'a' }, value: 7 },
        { metric: 'requests_total', labels: { version: '2', digest: 'b' }, value: 0.5 },
        { metric: 'odd', labels: { version: 'nan' }, value: Number.NaN },
        { metric: 'odd', labels: { version: 'inf' }, value: Number.POSITIVE_INFINITY },
        { metric: 'odd', labels: { version: 'minus' }, value: Number.NEGATIVE_INFINITY },
        { metric: 'named', labels: { version: hostile }, value: 3 },
      ]);
      // The last of the series that are read together.
      await vi.waitUntil(async () => (await metrics.query(selector('named', {}))).kind === 'series', limit);
    });
    afterAll(() => harness.close());

    const values = (answer: Answer) =>
      answer.kind === 'series'
        ? Object.fromEntries(answer.samples.map(({ labels, value }) => [labels['version'], value]))
        : answer;

    test('the series of a selector come with their labels', async () => {
      const answer = await metrics.query(selector('requests_total', { version: '1' }));
      const expected = {
        labels: expect.objectContaining({ version: '1', digest: 'a' }) as Record<string, string>,
        value: 7,
      };
      expect(answer).toEqual({ kind: 'series', samples: [expected] });
      expect(values(await metrics.query(selector('requests_total', {})))).toEqual({ '1': 7, '2': 0.5 });
    });

    test('a value that no JSON can carry is null', async () => {
      expect(values(await metrics.query(selector('odd', {})))).toEqual({ nan: null, inf: null, minus: null });
    });

    test('a label value cannot change the shape of a query', async () => {
      expect(values(await metrics.query(selector('named', { version: hostile })))).toEqual({ [hostile]: 3 });
      expect(await metrics.query(selector('named', { version: '"} or vector(1) or named{version!="' }))).toMatchObject({
        kind: 'no-data',
      });
    });

    test('no series is no data, with the reason', async () => {
      expect(await metrics.query(selector('requests_total', { version: '9' }))).toEqual({
        kind: 'no-data',
        reason: expect.stringMatching(/\w/) as string,
      });
    });

    test('what is broken is no data, not a throw', async () => {
      expect(await metrics.query('requests_total{')).toMatchObject({
        kind: 'no-data',
        reason: expect.stringMatching(/\w/) as string,
      });
    });

    test('a time before the first value has no data', async () => {
      expect(await metrics.query(selector('requests_total', {}), startedAt)).toMatchObject({ kind: 'no-data' });
    });

    test('a range has points over time, oldest first', async () => {
      const expression = selector('requests_total', { version: '1' });
      const ask = () => metrics.range(expression, startedAt, new Date().toISOString(), 1);
      const shows = (wanted: number) => async () => (await ask())[0]?.points.some(([, value]) => value === wanted);
      await vi.waitUntil(shows(7), limit);
      await harness.publish([{ metric: 'requests_total', labels: { version: '1', digest: 'a' }, value: 9 }]);
      await vi.waitUntil(shows(9), limit);
      const [series] = await ask();
      expect(series?.labels).toMatchObject({ version: '1' });
      const points = series?.points ?? [];
      expect(points.map(([time]) => time)).toEqual(points.map(([time]) => time).sort((a, b) => a - b));
      expect(points.map(([, value]) => value)).toEqual(expect.arrayContaining([7, 9]));
    });

    test('a range of nothing has no series', async () => {
      expect(
        await metrics.range(selector('requests_total', { version: '9' }), startedAt, new Date().toISOString(), 1),
      ).toEqual([]);
    });

    test('who is aborted is told so', async () => {
      await expect(metrics.query('requests_total', undefined, AbortSignal.abort(new Error('stopped')))).rejects.toThrow(
        'stopped',
      );
    });
  });
}
