import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';

import type { StageCall } from '../../activities/calls.js';
import { evaluateModel } from '../../activities/evaluate-model.js';
import { runTask } from '../../activities/run-task.js';
import { identityOf } from '../../activities/stage-cache.js';
import { trainModel } from '../../activities/train-model.js';
import { validateData } from '../../activities/validate-data.js';
import type { Json } from '../../plan/json.js';
import type { DatasetOutput } from '../../plan/outputs.js';
import type { Plan, Stage } from '../../plan/plan.js';
import { callOf, createWorld, run, type World } from './context.js';
import { leaving, modelOf, outputFile, splitOf } from './models.js';
import { evaluateStage, stageOf } from './stages.js';

let world: World;
beforeEach(async () => {
  world = createWorld();
  const files = [await outputFile(world, 'model/model.skops', 'weights')];
  world.jobs.play = leaving(world, files, { accuracy: 0.9 });
});
const starts = () => world.trainer.jobs.size;

/** The four things that a training follows from, and what has no part in it. */
interface Facts {
  code: string;
  epochs: number;
  data: string;
  lock: string;
  run: string;
  attempt: number;
}
const facts: Facts = { code: 'a', epochs: 3, data: 'x', lock: 'e', run: '1', attempt: 1 };
const digest = (letter: string) => letter.repeat(64);

async function training(f: Partial<Facts> = {}, more: Partial<StageCall> = {}): Promise<StageCall> {
  const { code, epochs, data, lock, run: id, attempt } = { ...facts, ...f };
  const folder = { sha256: digest(code), bytes: 9, requirements: digest(lock) };
  const plan: Partial<Plan> = {
    code: { pipeline: { sha256: digest('c'), bytes: 1 }, folders: { 'trainers/x': folder } },
  };
  const trainer = { adapter: 'fake', run: ['python', 'train.py'], folder: 'trainers/x' };
  const split = { ...(await splitOf(world, `text,intent\n${data},greet\n`)), name: 'train' };
  const call = await callOf(
    world,
    stageOf('train', { trainer, params: {} }),
    { '/inputs/train': split, '/params/epochs': epochs },
    plan,
  );
  return {
    ...call,
    attempt,
    run: { ...call.run, workflowId: `dev:intents:${id}`, runId: `run ${id}` },
    ...more,
  } as StageCall;
}
const train = async (f: Partial<Facts> = {}, more: Partial<StageCall> = {}) =>
  run(world, trainModel, await training(f, more));

describe('a training', () => {
  test('of the same code, params, data and lock is taken from the run that made it: no job is started', async () => {
    const { cached: none, ...made } = await train();
    const { cached, ...taken } = await train({ run: '2' });
    expect(none).toBeUndefined();
    expect(taken).toEqual(made);
    expect(cached).toEqual({ run: 'dev:intents:1', stage: 'train', at: expect.any(String) });
    expect(starts()).toBe(1);
    expect(world.tracking.runs.size).toBe(1);
  });

  test('is never taken when one of the four has changed, and always when none has (100 random histories)', async () => {
    const letter = fc.constantFrom('a', 'b', 'd');
    const one = fc.record({ code: letter, epochs: fc.constantFrom(1, 2), data: letter, lock: letter });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 12 }), async (history) => {
        world = createWorld();
        const files = [await outputFile(world, 'model/model.skops', 'weights')];
        world.jobs.play = leaving(world, files, null);
        const seen = new Set<string>();
        for (const [i, f] of history.entries()) {
          const known = seen.has(JSON.stringify(f));
          const before = starts();
          const { cached } = await train({ ...f, run: String(i) });
          expect(cached !== undefined).toBe(known);
          expect(starts() - before).toBe(known ? 0 : 1);
          seen.add(JSON.stringify(f));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('is run when the run wishes no earlier result, and stands in for later ones', async () => {
    await train();
    expect((await train({ run: '2' }, { cache: false })).cached).toBeUndefined();
    expect(starts()).toBe(2);
    expect((await train({ run: '3' })).cached?.run).toBe('dev:intents:2');
  });

  test('is run when its author wants it run', async () => {
    const call = async (id: string) => {
      const stage = { ...stageOf('train', { trainer: { adapter: 'fake', run: ['x'] }, params: {} }), cache: false };
      const own = await callOf(world, stage as Stage, {});
      return { ...own, run: { ...own.run, workflowId: id } };
    };
    await run(world, trainModel, await call('a'));
    expect((await run(world, trainModel, await call('b'))).cached).toBeUndefined();
    expect(starts()).toBe(2);
  });

  test('is run when a file of the earlier model is gone', async () => {
    const [file] = (await train()).files;
    world.store.objects.delete(file!.uri.replace('s3://slipway/', ''));
    world.jobs.play = () => ({ failure: { code: 'E_TRAINER_EXIT', message: 'it was run', transient: false } });
    await expect(train({ run: '2' })).rejects.toThrow('it was run');
  });

  test('is run when the entry cannot be read', async () => {
    await train();
    const [key] = [...world.store.objects.keys()].filter((k) => k.startsWith('cache/'));
    for (const text of ['', 'no JSON', '{"format":2}', '[]', 'null']) {
      await world.store.put(key!, new TextEncoder().encode(text));
      expect((await train({ run: `after ${text}` })).cached).toBeUndefined();
    }
  });

  test('whose answer was lost is found again, and is not called cached', async () => {
    const made = await train();
    expect(await train()).toEqual(made);
    expect(starts()).toBe(1);
  });

  test('of an unprotected environment never stands in for one of a protected environment', async () => {
    await train();
    world.environment.protected = true;
    expect((await train({ run: '2' })).cached).toBeUndefined();
    expect((await train({ run: '3' })).cached?.run).toBe('dev:intents:2');
  });

  test('that failed leaves nothing that could stand in', async () => {
    world.jobs.play = () => ({ failure: { code: 'E_TRAINER_EXIT', message: 'exit code 3', transient: false } });
    await expect(train()).rejects.toThrow('exit code 3');
    expect([...world.store.objects.keys()].filter((k) => k.startsWith('cache/'))).toEqual([]);
  });
});

describe('an evaluation', () => {
  const schema = { type: 'object', properties: { accuracy: { type: 'number' } } };
  const evaluate = async (weights: string, rows: string, job: string) => {
    const inputs = {
      '/model': await modelOf(world, weights, { job: { id: job, key: job, adapter: 'fake' } }),
      '/data': await splitOf(world, rows),
    };
    const call = await callOf(world, evaluateStage(schema), inputs);
    const own = { ...call, run: { ...call.run, workflowId: `dev:intents:${job}` }, champion: null };
    return await run(world, evaluateModel, own);
  };

  test('is taken for the same model on the same data, whichever job made the model', async () => {
    await evaluate('w', 'text,intent\na,b\n', '1');
    expect((await evaluate('w', 'text,intent\na,b\n', '2')).cached?.run).toBe('dev:intents:1');
    expect((await evaluate('v', 'text,intent\na,b\n', '3')).cached).toBeUndefined();
    expect((await evaluate('w', 'text,intent\na,c\n', '4')).cached).toBeUndefined();
  });
});

describe('a validation', () => {
  const stage = stageOf('validate', { suite: [], maxFailureRate: 0 });
  const validate = async (source: string, id: string) => {
    const train = { ...(await splitOf(world)), name: 'train' };
    const data: DatasetOutput = {
      kind: 'dataset',
      digest: digest('d'),
      source,
      snapshotAt: train.snapshotAt,
      rows: 1,
      splits: { train },
    };
    const call = await callOf(world, stage, { '/data': data });
    return await run(world, validateData, { ...call, run: { ...call.run, workflowId: id } });
  };

  test('of the same bytes is taken, but names where they come from now', async () => {
    await validate('file:a.csv', '1');
    const again = await validate('file:b.csv', '2');
    expect(again.cached?.run).toBe('1');
    expect(again.data.source).toBe('file:b.csv');
  });

  test('is made anew by another build, whose rules may differ', async () => {
    await validate('file:a.csv', '1');
    world.context.build = '0.0.1-test';
    expect((await validate('file:a.csv', '2')).cached).toBeUndefined();
  });
});

describe('a task', () => {
  const stage = (facts: Partial<Stage> = {}, id = 'double') =>
    ({ ...stageOf('task', { input: {}, output: {}, compensates: false }, id), ...facts }) as Stage;
  const call = async (s: Stage, x: Json, plan?: Partial<Plan>) => {
    const own = await callOf(world, s, { '/input/x': x }, plan);
    return { ...own, run: { ...own.run, workflowId: `dev:intents:${world.tasks.calls.length}` } };
  };
  beforeEach(() => void world.tasks.functions.set('double', ({ input }) => Number(input['x']) * 2));

  test('runs each time unless its author says that it may be taken', async () => {
    await run(world, runTask, await call(stage(), 1));
    await run(world, runTask, await call(stage(), 1));
    expect(world.tasks.calls).toHaveLength(2);
  });

  test('that may be taken runs once per stage, code and input', async () => {
    const cached = stage({ cache: true });
    world.tasks.functions.set('other', () => 'other');
    const other = { pipeline: { sha256: digest('9'), bytes: 1 }, folders: {} };
    expect(await run(world, runTask, await call(cached, 1))).toEqual({ kind: 'task', value: 2 });
    expect(await run(world, runTask, await call(cached, 1))).toMatchObject({ value: 2, cached: { stage: 'double' } });
    expect((await run(world, runTask, await call(cached, 2))).cached).toBeUndefined();
    expect((await run(world, runTask, await call(stage({ cache: true }, 'other'), 1))).cached).toBeUndefined();
    expect((await run(world, runTask, await call(cached, 1, { code: other }))).cached).toBeUndefined();
  });
});

test('a value that only looks like a model counts whole', async () => {
  const model = (await modelOf(world, 'w')) as unknown as Record<string, Json>;
  expect(identityOf({ m: [model] })).toEqual(identityOf({ m: [{ ...model, job: { id: 'j9' }, files: [] }] }));
  const alike = { ...model, more: 1 };
  expect(identityOf(alike)).toEqual(alike);
  expect(identityOf({ kind: 'model', name: 'mine' })).toEqual({ kind: 'model', name: 'mine' });
  expect(identityOf({ kind: 'toString' })).toEqual({ kind: 'toString' });
});
