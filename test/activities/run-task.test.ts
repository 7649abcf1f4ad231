import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { StageCall } from '../../activities/calls.js';
import { compensateTask } from '../../activities/compensate-task.js';
import { runTask } from '../../activities/run-task.js';
import { sendNotice } from '../../activities/send-notice.js';
import { taskOutput } from '../../activities/stored-values.js';
import type { StoredValue } from '../../plan/outputs.js';
import { SlipwayError } from '../../plan/errors.js';
import type { EachStage } from '../../plan/plan.js';
import { callOf, codesOf, createWorld, run, type World } from './context.js';
import { stageOf } from './stages.js';

let world: World;
beforeEach(() => {
  world = createWorld();
  world.tasks.functions.set('echo', ({ input }) => input);
});
const stage = stageOf('task', { input: { a: 1, b: 2 }, output: {}, compensates: true }, 'echo');

async function stored(value: object): Promise<StoredValue> {
  const output = await taskOutput(world.store, { ...value, text: 'x'.repeat(20_000) }, 'other');
  if ('stored' in output) return output.stored;
  throw new Error('it is inline');
}

describe('a task', () => {
  test('is given its literal input with the bound values over it', async () => {
    expect(await run(world, runTask, await callOf(world, stage, { '/input/b': 3, '/input/c': [4] }))).toEqual({
      kind: 'task',
      value: { a: 1, b: 3, c: [4] },
    });
  });

  test('is given what is stored as if it had travelled', async () => {
    const value = await stored({ rows: [{ id: 'r0' }, { id: 'r1' }] });
    const call: StageCall = {
      ...(await callOf(world, stage)),
      stored: { '/input/id': { value, path: ['rows', '1', 'id'] }, '/input/rows': { value, path: ['rows'] } },
    };
    expect(await run(world, runTask, call)).toMatchObject({ value: { id: 'r1', rows: [{ id: 'r0' }, { id: 'r1' }] } });
  });

  test('of an each is its item stage; every element has a key of its own, also when the elements are equal', async () => {
    const each = stageOf(
      'each',
      { item: stage, concurrency: 5, onItemFailure: 'fail' } as EachStage['settings'],
      'echo',
    );
    const call = await callOf(world, each, { '/input/b': 3 });
    for (const index of [0, 1, 0]) await run(world, runTask, { ...call, item: { index } });
    const [first, second, again] = world.tasks.calls.map((c) => c.about);
    expect(first).toMatchObject({ run: 'dev:intents:1', stage: 'echo', attempt: 1, item: 0 });
    expect(again).toEqual(first);
    expect(second?.key).not.toBe(first?.key);
  });

  test('keeps its key when it is called again, and has another in a new attempt', async () => {
    const call = await callOf(world, stage);
    await run(world, runTask, call);
    await run(world, runTask, { ...call, run: { ...call.run, runId: 'continued as new' } });
    await run(world, runTask, { ...call, attempt: 2 });
    const [first, again, other] = world.tasks.calls.map((c) => c.about.key);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test('beats while it runs, and is told to end when the run is cancelled', async () => {
    const beats: unknown[] = [];
    world.activity.on('heartbeat', (beat) => beats.push(beat));
    world.tasks.functions.set('echo', () => new Promise(() => undefined));
    const running = run(world, runTask, await callOf(world, stage));
    await vi.waitUntil(() => world.tasks.calls.length === 1 && beats.length > 0, { timeout: 100_000 });
    world.activity.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
  });
});

describe('the compensation of a task', () => {
  const undo = async (output: unknown) => {
    const call = await callOf(world, stage, { '/input/b': 3 });
    return await run(world, compensateTask, { ...call, output: output as { kind: 'task'; value: 1 } });
  };

  test('is given what the task was given and returned, under a key of its own', async () => {
    world.tasks.functions.set('echo compensate', () => null);
    await run(world, runTask, await callOf(world, stage, { '/input/b': 3 }));
    await undo({ kind: 'task', value: { made: 1 } });
    await undo({ kind: 'task', stored: await stored({ made: 2 }) });
    const [did, undid, undidStored] = world.tasks.calls;
    expect(undid).toMatchObject({ kind: 'compensate', input: { a: 1, b: 3 }, output: { made: 1 } });
    expect(undidStored?.output).toMatchObject({ made: 2 });
    expect(undid?.about.key).not.toBe(did?.about.key);
    expect(undidStored?.about.key).toBe(undid?.about.key);
  });

  test('may be tried again when it throws, but not when there is none', async () => {
    world.tasks.functions.set('echo compensate', () => {
      throw new SlipwayError({ code: 'E_TASK', message: 'the far end is busy' });
    });
    const error = await undo({ kind: 'task', value: 1 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ nonRetryable: false, type: 'Task', details: [{ code: 'E_TASK' }] });
    world.tasks.functions.set('echo compensate', () => {
      throw new SlipwayError({ code: 'E_DEF_LOAD', message: 'no such file' });
    });
    expect(await codesOf(undo({ kind: 'task', value: 1 }))).toEqual(['E_DEF_LOAD']);
  });
});

test('a notice tells every notifier its text and facts, bound ones over literal ones', async () => {
  const notice = stageOf('notify', { text: 'the sweep is done', facts: { team: 'ml', best: 0 } }, 'tell');
  expect(await run(world, sendNotice, await callOf(world, notice, { '/facts/best': 0.9 }))).toEqual({
    kind: 'notice',
    text: 'the sweep is done',
  });
  for (const notifier of world.notifiers)
    expect(notifier.sent[0]?.event).toMatchObject({
      kind: 'message',
      stage: 'tell',
      text: 'the sweep is done',
      facts: { team: 'ml', best: 0.9 },
    });
});
