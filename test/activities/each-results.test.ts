import { beforeEach, describe, expect, test } from 'vitest';

import type { RunRef } from '../../activities/calls.js';
import { collectItems } from '../../activities/collect-items.js';
import { joinLists } from '../../activities/join-lists.js';
import { readStored, readStoredAt, taskOutput } from '../../activities/stored-values.js';
import { canonicalJson, type Json } from '../../plan/json.js';
import type { ListOutput, StageOutput, StoredValue } from '../../plan/outputs.js';
import type { EachStage } from '../../plan/plan.js';
import { codesOf, createWorld, faultsOf, planOf, run, runOf, type World } from './context.js';
import { modelOf } from './models.js';
import { stageOf } from './stages.js';

let world: World;
beforeEach(() => void (world = createWorld()));

type Best = NonNullable<EachStage['settings']['best']>;
const task = stageOf('task', { input: {}, output: {}, compensates: false }, 'score');
async function runWith(best?: Best): Promise<RunRef> {
  const settings = { item: task, concurrency: 50, onItemFailure: 'continue', ...(best && { best }) };
  return await runOf(world, planOf([stageOf('each', settings as EachStage['settings'], 'score')]));
}
const collect = async (items: (StageOutput | null)[], first = 0, best?: Best) =>
  run(world, collectItems, { run: await runWith(best), stage: 'score', first, items });
const inline = (value: Json): StageOutput => ({ kind: 'task', value });
const read = (stored: StoredValue): Promise<Json> => readStored(world.store, stored);
const large = (letter: string) => taskOutput(world.store, { letter, text: letter.repeat(20_000) }, 'score');

describe('what the elements of an each gave', () => {
  test('becomes one list in their order: values of tasks, null for what failed', async () => {
    const list = await collect([inline({ a: 1 }), null, inline('x'), await large('y')]);
    expect(list).toMatchObject({ kind: 'list', count: 4, failed: 1, best: null, stored: { lists: { '': 4 } } });
    expect(await read(list.stored)).toEqual([{ a: 1 }, null, 'x', { letter: 'y', text: 'y'.repeat(20_000) }]);
  });

  test('of trainings is the list of their models', async () => {
    const model = await modelOf(world, 'w');
    const { stored } = await collect([model]);
    expect(await read(stored)).toEqual([model]);
  });

  test('is the same object when it is collected again', async () => {
    expect(await collect([inline(1), inline(2)])).toEqual(await collect([inline(1), inline(2)]));
  });

  test('may be nothing', async () => {
    const empty = await collect([]);
    expect(empty).toMatchObject({ count: 0, failed: 0, best: null });
    expect(await read(empty.stored)).toEqual([]);
  });
});

describe('the best element', () => {
  const max: Best = { path: ['value', 'f1'], direction: 'max' };

  test('is the one with the largest or smallest number, of equal ones the first, at its index in the whole', async () => {
    const items = [0.5, 0.9, 0.1, 0.9, 0.1].map((f1) => inline({ f1 }));
    expect((await collect(items, 200, max)).best).toEqual({ index: 201, score: 0.9, output: items[1] });
    expect((await collect(items, 0, { path: max.path, direction: 'min' })).best).toMatchObject({
      index: 2,
      score: 0.1,
    });
  });

  test('may be one whose value is stored, and one of those that did not fail', async () => {
    const stored = await taskOutput(world.store, { f1: 0.7, text: 'x'.repeat(20_000) }, 'score');
    expect((await collect([null, inline({ f1: 0.5 }), stored], 0, max)).best).toEqual({
      index: 2,
      score: 0.7,
      output: stored,
    });
    expect((await collect([null, null], 0, max)).best).toBeNull();
  });

  test.each([[{}], [{ f1: 'high' }], [{ f1: null }]])('cannot be chosen among values like %j', async (value) => {
    expect(await faultsOf(collect([inline({ f1: 1 }), inline(value)], 10, max))).toMatchObject([
      { code: 'E_METRIC_MISSING', where: 'score/11' },
    ]);
  });

  test('of models is chosen by their metrics', async () => {
    const models = await Promise.all(
      [0.8, 0.95].map((accuracy, i) => modelOf(world, `w${i}`, { metrics: { accuracy } })),
    );
    const best: Best = { path: ['metrics', 'accuracy'], direction: 'max' };
    expect((await collect(models, 0, best)).best).toMatchObject({ index: 1, output: { digest: models[1]?.digest } });
  });
});

describe('parts of a list', () => {
  const max: Best = { path: ['value'], direction: 'max' };
  const join = async (parts: ListOutput[]) => run(world, joinLists, { run: await runWith(max), stage: 'score', parts });

  test('are joined in order, with the best of all', async () => {
    const values = Array.from({ length: 7 }, (_, i) => (i * 5) % 7);
    const parts = [];
    for (const [first, end] of [
      [0, 3],
      [3, 3],
      [3, 6],
      [6, 7],
    ] as const)
      parts.push(await collect(values.slice(first, end).map(inline), first, max));
    const whole = await join(parts);
    expect(whole).toMatchObject({ count: 7, failed: 0, best: { index: 4, score: 6 }, stored: { lists: { '': 7 } } });
    expect(await read(whole.stored)).toEqual(values);
    expect(whole).toEqual(await collect(values.map(inline), 0, max));
  });

  test('of 100,000 elements take the memory of one part', async () => {
    const element = { id: 'x'.repeat(150) };
    const part = await collect(Array.from({ length: 200 }, () => inline(element)));
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const whole = await run(world, joinLists, {
      run: await runWith(),
      stage: 'score',
      parts: Array.from({ length: 500 }, () => part),
    });
    expect(whole.count).toBe(100_000);
    expect(whole.stored.bytes).toBe(100_000 * (canonicalJson(element).length + 1) + 1);
    // The list of 16 MB is in the store of this test, outside of the heap.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('that are nothing give nothing', async () => {
    expect(await read((await join([await collect([]), await collect([])])).stored)).toEqual([]);
  });
});

describe('a value of a task', () => {
  test('travels inline up to 16 KiB, else by reference with the lengths of its lists two levels down', async () => {
    expect(await taskOutput(world.store, 'x'.repeat(16_382), 't')).toHaveProperty('value');
    const rows = Array.from({ length: 9_000 }, (_, i) => i);
    const value = { rows, of: { names: ['a'], deep: { er: [1] } }, 'a/b': [], text: 'x' };
    const output = await taskOutput(world.store, value, 't');
    if (!('stored' in output)) throw new Error('it is inline');
    expect(output.stored.lists).toEqual({ '/rows': 9_000, '/of/names': 1, '/a~1b': 0 });
    expect(await readStoredAt(world.store, output.stored, ['rows', '8999'])).toBe(8_999);
    expect(await readStoredAt(world.store, output.stored, ['rows', '9000'])).toBeUndefined();
  });

  test('over 32 MiB is refused with its size', async () => {
    const refused = taskOutput(world.store, 'x'.repeat(33 * 1024 * 1024), 'score/3');
    const [fault] = await faultsOf(refused);
    expect(fault).toMatchObject({ code: 'E_PAYLOAD_SIZE', where: 'score/3' });
    expect(fault?.message).toContain(String(33 * 1024 * 1024 + 2));
  });

  test('that was changed in the store is refused', async () => {
    const output = await taskOutput(world.store, 'changed'.repeat(5_000), 't');
    if (!('stored' in output)) throw new Error('it is inline');
    await world.store.put(world.store.key(output.stored.uri), new TextEncoder().encode('"other"'));
    expect(await codesOf(readStored(world.store, output.stored))).toEqual(['E_ARTIFACT_DIGEST']);
  });
});
