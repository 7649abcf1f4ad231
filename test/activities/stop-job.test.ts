import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { StageCall } from '../../activities/calls.js';
import { evaluateModel } from '../../activities/evaluate-model.js';
import { mayHaveJob, stopJob, type JobCall } from '../../activities/stop-job.js';
import { snapshotData } from '../../activities/snapshot-data.js';
import { trainModel } from '../../activities/train-model.js';
import type { ModelOutput } from '../../plan/outputs.js';
import { candidatePurpose, championPurpose } from '../../plan/run-jobs.js';
import { callOf, createWorld, run, type World } from './context.js';
import { modelOf, splitOf } from './models.js';
import { evaluateStage, stageOf, trainStage } from './stages.js';

let world: World;
let model: ModelOutput;
let training: StageCall;
let evaluation: StageCall;
let taking: StageCall;
const source = { trainer: { adapter: 'fake', run: ['python', '-m', 'source'] }, params: {} };
beforeEach(async () => {
  world = createWorld();
  world.trainer.absenceMs = 0;
  world.jobs.play = () => 'runs';
  const data = await splitOf(world);
  model = await modelOf(world, 'weights');
  training = await callOf(world, trainStage, { '/inputs/train': { ...data, name: 'train' }, '/params/epochs': 5 });
  taking = await callOf(world, stageOf('snapshot', { source }));
  evaluation = await callOf(world, evaluateStage({}), { '/model': model, '/data': data });
});
const states = () => [...world.trainer.jobs.values()].map(({ state }) => state.phase);
const begun = () => vi.waitUntil(() => world.trainer.jobs.size === 1, { timeout: 100_000 });

describe('the job of a call', () => {
  test.each<[string, () => { work: Promise<unknown>; call: JobCall }]>([
    ['a snapshot', () => ({ work: run(world, snapshotData, taking), call: taking })],
    ['a training', () => ({ work: run(world, trainModel, training), call: training })],
    [
      'an evaluation',
      () => ({
        work: run(world, evaluateModel, { ...evaluation, champion: null }),
        call: { ...evaluation, purpose: candidatePurpose },
      }),
    ],
    [
      'the evaluation of a champion',
      () => ({
        work: run(world, evaluateModel, { ...evaluation, champion: model }),
        call: { ...evaluation, purpose: championPurpose(model.digest) },
      }),
    ],
  ])('of %s is found by its key and ended', async (_, begin) => {
    const { work, call } = begin();
    const ended = work.catch(() => undefined);
    await begun();
    expect(await run(world, mayHaveJob, call)).toBe(true);
    await run(world, stopJob, call);
    expect(states()).toEqual(['failed']);
    await ended;
    await run(world, stopJob, call);
  });

  test('may not have begun: nothing was listed', async () => {
    expect(await run(world, mayHaveJob, training)).toBe(false);
    expect(await run(world, mayHaveJob, { ...training, attempt: 2 })).toBe(false);
  });

  test('may have been listed and never begun', async () => {
    await run(world, stopJob, training);
    expect(states()).toEqual([]);
  });
});
