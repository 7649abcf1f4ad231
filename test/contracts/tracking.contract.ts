import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Tracking } from '../../adapters/tracking/port.js';

export interface LoggedRun {
  params: Record<string, string>;
  /** Every logged point. */
  metrics: { key: string; value: number }[];
  tags: Record<string, string>;
  status: 'running' | 'finished' | 'failed' | 'killed';
}
export interface TrackingHarness {
  tracking: Tracking;
  /** What the system holds, asked without the adapter. */
  look(runId: string): Promise<LoggedRun>;
}

const hex = (): string => randomBytes(32).toString('hex');
const experiment = (): string => `contract-${randomBytes(6).toString('hex')}`;

/** What every tracking system must do. */
export function describeTracking(name: string, open: () => Promise<TrackingHarness>): void {
  describe(`tracking ${name}`, () => {
    let tracking: Tracking;
    let look: TrackingHarness['look'];
    beforeAll(async () => {
      ({ tracking, look } = await open());
    });

    test('gives one run for a key, with its tags and what a job needs to log into it', async () => {
      const at = experiment();
      const key = hex();
      const first = await tracking.open(at, key, { stage: 'train' });
      expect(await tracking.open(at, key, { stage: 'train' })).toEqual(first);
      expect(Object.values(first.environment)).toContain(first.runId);
      expect(await look(first.runId)).toMatchObject({ status: 'running', tags: { stage: 'train' } });
      expect((await tracking.open(at, hex(), {})).runId).not.toBe(first.runId);
    });

    // A server holds more than one connection for some of its answers.
    test('opens many runs at once', async () => {
      const at = experiment();
      await tracking.open(at, hex(), {}, { first: true });
      const runs = await Promise.all(
        Array.from({ length: 60 }, async () => (await tracking.open(at, hex(), {}, { first: true })).runId),
      );
      expect(new Set(runs).size).toBe(60);
    });

    test('gives later openers of a key the run of the first', async () => {
      const at = experiment();
      const key = hex();
      const first = await tracking.open(at, key, { stage: 'train' }, { first: true });
      expect(await tracking.open(at, key, { stage: 'train' })).toEqual(first);
      expect(await look(first.runId)).toMatchObject({ status: 'running', tags: { stage: 'train' } });
    });

    test('logs the last facts with the end of a run, each once', async () => {
      const { runId } = await tracking.open(experiment(), hex(), {}, { first: true });
      const facts = { params: { epochs: 3 }, metrics: { accuracy: 0.5 } };
      await tracking.close(runId, 'finished', facts, { first: true });
      await tracking.close(runId, 'finished', facts);
      expect(await look(runId)).toMatchObject({
        status: 'finished',
        params: { epochs: '3' },
        metrics: [{ key: 'accuracy', value: 0.5 }],
      });
    });

    test('gives racing openers of a key the same run', async () => {
      const at = experiment();
      const key = hex();
      const opened = await Promise.all([1, 2, 3].map(() => tracking.open(at, key, {})));
      expect(new Set(opened.map(({ runId }) => runId)).size).toBe(1);
    });

    test('logs params, nested metrics and tags, each once', async () => {
      const { runId } = await tracking.open(experiment(), hex(), {});
      const facts = {
        params: { epochs: 3, name: 'x', deep: { a: [1] } },
        metrics: { accuracy: 0.5, recall: { lock_door: 0.25 } },
        tags: { outcome: 'ok' },
      };
      await tracking.log(runId, facts);
      await tracking.log(runId, facts);
      const { params, metrics, tags } = await look(runId);
      expect(params).toEqual({ epochs: '3', name: 'x', deep: '{"a":[1]}' });
      expect(metrics.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
        { key: 'accuracy', value: 0.5 },
        { key: 'recall.lock_door', value: 0.25 },
      ]);
      expect(tags).toMatchObject({ outcome: 'ok' });
    });

    test('loses no metric for its name, and no two become one', async () => {
      const { runId } = await tracking.open(experiment(), hex(), {});
      const people = [
        'val/accuracy',
        'C++',
        'C--',
        'größe',
        '-1',
        "don't know",
        'mAP@0.5:0.95',
        'a//b',
        '..',
        '猫',
        '😀',
      ];
      const odd = ['a b', 'tab\there', 'Top-5 (%)', 'A:2b:', 'é'.repeat(250), '+'.repeat(250), `${'+'.repeat(249)}-`];
      const named = Object.fromEntries([...people, ...odd].map((name, n): [string, number] => [name, n / 64]));
      await tracking.log(runId, { metrics: { ...named, 'group.x': 0.5, group: { ...named, '': 0.75, x: 0.25 } } });
      const { metrics } = await look(runId);
      expect(new Set(metrics.map(({ key }) => key)).size).toBe(2 * (people.length + odd.length) + 3);
      const values = Object.values(named);
      const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b);
      expect(sorted(metrics.map(({ value }) => value))).toEqual(sorted([...values, ...values, 0.25, 0.5, 0.75]));
    });

    test('logs how far a training is as points, in order, beside what it reports at its end', async () => {
      const { runId } = await tracking.open(experiment(), hex(), {});
      for (const epoch of [1, 2, 3]) await tracking.progress(runId, { epoch, loss: 1 / (2 * epoch) });
      await tracking.log(runId, { metrics: { loss: 0.125 } });
      const { metrics } = await look(runId);
      expect(metrics.filter(({ key }) => key === 'loss')).toEqual([{ key: 'loss', value: 0.125 }]);
      const values = metrics.filter(({ key }) => key === 'training.loss').map(({ value }) => value);
      expect(values.sort()).toEqual([1 / 6, 1 / 4, 1 / 2]);
      expect(metrics).toHaveLength(4);
    });

    test('keeps the first value of a param, and cuts a long one', async () => {
      const { runId } = await tracking.open(experiment(), hex(), {});
      await tracking.log(runId, { params: { epochs: 3, long: 'x'.repeat(2000) } });
      await tracking.log(runId, { params: { epochs: 4 } });
      const { params } = await look(runId);
      expect(params['epochs']).toBe('3');
      expect(params['long']).toHaveLength(500);
    });

    test('logs more than fits into one request', async () => {
      const { runId } = await tracking.open(experiment(), hex(), {});
      const params = Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`p${n}`, n]));
      const recall = Object.fromEntries(Array.from({ length: 1050 }, (_, n) => [`intent ${n}`, n / 1050]));
      await tracking.log(runId, { params, metrics: { recall } });
      const logged = await look(runId);
      expect(Object.keys(logged.params)).toHaveLength(130);
      expect(logged.metrics).toHaveLength(1050);
    });

    test.each(['finished', 'failed', 'killed'] as const)('closes a run as %s, twice', async (status) => {
      const { runId } = await tracking.open(experiment(), hex(), {});
      await tracking.close(runId, status);
      await tracking.close(runId, status);
      expect((await look(runId)).status).toBe(status);
    });
  });
}
