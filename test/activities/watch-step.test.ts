import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { watchStep, type WatchStepInput } from '../../activities/watch-step.js';
import type { AnalysisRule } from '../../plan/analysis-rule.js';
import type { Endpoint } from '../../plan/outputs.js';
import { confidenceRule, fallbackRule } from '../plan/rules.js';
import { createWorld, planOf, run, runOf, type World } from './context.js';
import { countersOver } from './counters.js';
import { servingPair } from './models.js';
import { rolloutStage } from './stages.js';

let world: World;
let pair: { champion: Endpoint; candidate: Endpoint };
/** What it told of its verdict between two looks. */
let beats: { verdict: string }[];
beforeEach(async () => {
  world = createWorld();
  world.environment.ports.metrics = countersOver(world.metrics);
  pair = await servingPair(world);
  beats = [];
  world.activity.on('heartbeat', (beat: object) => 'verdict' in beat && beats.push(beat as { verdict: string }));
});

const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
const never = 3_600_000;

async function watch(
  times: { hold: number; giveUp: number; minSamples?: number },
  analysis: AnalysisRule[] = [fallbackRule({ max: 0.08 })],
) {
  const input: WatchStepInput = {
    run: await runOf(world, planOf([rolloutStage({ analysis })])),
    stage: 'rollout',
    candidate: pair.candidate,
    champion: pair.champion,
    since: fromNow(-1_000),
    championSince: fromNow(-1_000),
    holdUntil: fromNow(times.hold),
    giveUpAt: fromNow(times.giveUp),
    pollMs: 5,
    minSamples: times.minSamples ?? null,
  };
  return await run(world, watchStep, input);
}

function count(endpoint: Endpoint, events: number, total: number): void {
  const labels = { service: 'intents', version: endpoint.version, digest: endpoint.sha256.slice(0, 12) };
  world.metrics.publish('fallback_total', labels, events);
  world.metrics.publish('predictions_total', labels, total);
}

describe('watching a step', () => {
  test('fails at once, whatever the hold', async () => {
    count(pair.candidate, 9, 100);
    count(pair.champion, 36, 900);
    const report = await watch({ hold: never, giveUp: never });
    expect(report).toMatchObject({
      verdict: 'fail',
      rows: [{ name: 'fallback', candidate: { value: 0.09, samples: 100 }, champion: { value: 0.04, samples: 900 } }],
    });
    expect(beats).toEqual([]);
  });

  test('passes at the end of the hold, not before', async () => {
    count(pair.candidate, 4, 100);
    const begun = Date.now();
    const report = await watch({ hold: 60, giveUp: never });
    expect(report.verdict).toBe('pass');
    expect(Date.now() - begun).toBeGreaterThanOrEqual(55);
    expect(beats.length).toBeGreaterThan(0);
  });

  test('waits beyond the hold while the evidence is thin, and passes when it has come', async () => {
    count(pair.candidate, 2, 20);
    const watching = watch({ hold: 0, giveUp: never });
    await vi.waitUntil(() => beats.length > 2, { timeout: 100_000 });
    expect(beats.at(-1)).toMatchObject({ verdict: 'inconclusive' });
    count(pair.candidate, 4, 100);
    expect((await watching).verdict).toBe('pass');
  });

  test('fails when what looked healthy breaks within the hold', async () => {
    count(pair.candidate, 4, 100);
    const watching = watch({ hold: never, giveUp: never });
    await vi.waitUntil(() => beats.at(-1)?.verdict === 'pass', { timeout: 100_000 });
    count(pair.candidate, 100, 200);
    expect((await watching).verdict).toBe('fail');
  });

  test('gives up without a verdict when the evidence never comes', async () => {
    count(pair.candidate, 2, 20);
    expect((await watch({ hold: 0, giveUp: 30 })).verdict).toBe('inconclusive');
  });

  test('gives up with an error while the metrics store is away, and says why', async () => {
    world.metrics.downBecause = 'connection refused';
    expect(await watch({ hold: 0, giveUp: 30 })).toMatchObject({
      verdict: 'error',
      rows: [{ reason: 'connection refused' }],
    });
  });

  test('ends when it is cancelled', async () => {
    const watching = watch({ hold: never, giveUp: never });
    await vi.waitUntil(() => beats.length > 0, { timeout: 100_000 });
    world.activity.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    await expect(watching).rejects.toBeInstanceOf(CancelledFailure);
  });

  test('takes the worst of all rules', async () => {
    count(pair.candidate, 4, 100);
    const report = await watch({ hold: 0, giveUp: 0 }, [fallbackRule({ max: 0.08 }), confidenceRule({ min: 0.6 })]);
    expect(report.verdict).toBe('error');
    expect(report.rows.map((row) => row.verdict)).toEqual(['pass', 'error']);
  });

  test("asks for the environment's minimum of samples where it has one", async () => {
    count(pair.candidate, 1, 20);
    expect((await watch({ hold: 0, giveUp: 0, minSamples: 10 })).verdict).toBe('pass');
  });
});
