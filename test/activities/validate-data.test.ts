import { expect, test } from 'vitest';

import { snapshotData } from '../../activities/snapshot-data.js';
import { validateData } from '../../activities/validate-data.js';
import type { Json } from '../../plan/json.js';
import type { DatasetOutput } from '../../plan/outputs.js';
import type { Expectation } from '../../plan/expectation.js';
import { artifact, callOf, codesOf, createWorld, faultsOf, run, type World } from './context.js';
import { splitOf } from './models.js';
import { stageOf } from './stages.js';

const suite: Expectation[] = [
  { kind: 'columns', columns: ['text', 'intent'] },
  { kind: 'notEmpty', column: 'intent' },
];

async function datasetOf(world: World, train: string, holdout?: string): Promise<DatasetOutput> {
  const first = { ...(await splitOf(world, train)), name: 'train' };
  const splits = { train: first, ...(holdout === undefined ? {} : { holdout: await splitOf(world, holdout) }) };
  return { kind: 'dataset', digest: 'd'.repeat(64), source: 'file:x.csv', snapshotAt: '', rows: 2, splits };
}

async function validate(world: World, data: Json) {
  return await run(
    world,
    validateData,
    await callOf(world, stageOf('validate', { suite, maxFailureRate: 0 }), { '/data': data }),
  );
}

test('a data set that is as expected passes, and travels on by reference', async () => {
  const world = createWorld();
  const data = await datasetOf(world, 'text,intent\na,x\n', 'text,intent\nb,y\n');
  expect(await validate(world, data as unknown as Json)).toEqual({ verdict: 'pass', checked: 2, findings: [], data });
});

test('the holdout is judged with the rest, and rows are counted through', async () => {
  const world = createWorld();
  const data = await datasetOf(world, 'text,intent\na,x\n', 'text,intent\nb,y\nc,\n');
  const output = await validate(world, data as unknown as Json);
  expect(output).toMatchObject({ verdict: 'fail', checked: 3, findings: [{ failed: 1, rows: [3], refused: true }] });
});

test('the rows of a data set that was split are numbered as in its source', async () => {
  const world = createWorld();
  const rows = Array.from({ length: 20 }, (_, i) => `${i + 1},${i === 14 ? 'oops' : i}`);
  await artifact(world, 'incoming/data.csv', ['id,x', ...rows].join('\n'));
  const settings = { from: 's3://slipway/incoming/data.csv' };
  const numbers: Expectation[] = [{ kind: 'number', column: 'x' }];
  for (const split of [undefined, { holdout: 0.3, seed: 42 }, { holdout: 0.3, seed: 1, by: 'x' }]) {
    const stage = stageOf('snapshot', split === undefined ? settings : { ...settings, split });
    const data = await run(world, snapshotData, await callOf(world, stage));
    const { findings } = await run(
      world,
      validateData,
      await callOf(world, stageOf('validate', { suite: numbers, maxFailureRate: 0 }), { '/data': data }),
    );
    expect(findings).toMatchObject([
      { message: '1 rows have no number in `x`: first row 15, `oops`', rows: [15], share: 0.05 },
    ]);
  }
});

test('a set without a column is refused, naming the columns that it has', async () => {
  const world = createWorld();
  const output = await validate(world, (await datasetOf(world, 'text,label\na,x\n')) as unknown as Json);
  expect(output.verdict).toBe('fail');
  expect(output.findings.map((f) => f.message)).toEqual([
    'columns `intent` are missing: columns are text, label',
    'column `intent` is missing: columns are text, label',
  ]);
});

test('data that has changed since its snapshot is not judged: both hashes are named', async () => {
  const world = createWorld();
  const data = await datasetOf(world, 'text,intent\na,x\n');
  await artifact(world, world.store.key(data.splits.train.uri), 'text,intent\na,z\n');
  const [fault] = await faultsOf(validate(world, data as unknown as Json));
  expect(fault?.code).toBe('E_ARTIFACT_DIGEST');
  expect(fault?.message).toContain(data.splits.train.sha256.slice(0, 12));
  expect(fault?.message).toMatch(/found [0-9a-f]{12}/);
});

test('an input that is no data set is refused', async () => {
  const world = createWorld();
  expect(await codesOf(validate(world, { kind: 'model' }))).toEqual(['E_INPUT']);
});
