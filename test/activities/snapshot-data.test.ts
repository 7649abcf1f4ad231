import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { digestOf, sha256 } from '../../activities/digest.js';
import { toFailure } from '../../activities/guard.js';
import { snapshotData } from '../../activities/snapshot-data.js';
import { trainModel } from '../../activities/train-model.js';
import { validateData } from '../../activities/validate-data.js';
import type { Expectation } from '../../plan/expectation.js';
import type { DatasetOutput } from '../../plan/outputs.js';
import type { Stage } from '../../plan/plan.js';
import { intentRows } from '../plan/intent-fixture.js';
import { artifact, callOf, codesOf, createWorld, faultsOf, run, type World } from './context.js';
import { leaving, outputFile } from './models.js';
import { stageOf, trainStage } from './stages.js';

let root: string;
let world: World;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-snapshot-'));
  world = createWorld(root);
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(root, { recursive: true });
});

async function snapshot(stage: Stage, inputs: object = {}): Promise<DatasetOutput> {
  return await run(world, snapshotData, await callOf(world, stage, inputs));
}

async function of(name: string, content: string | Uint8Array): Promise<DatasetOutput> {
  await writeFile(join(root, name), content);
  return await snapshot(stageOf('snapshot', { from: `file:${name}` }));
}

async function stored(split: { uri: string; sha256: string; bytes: number }): Promise<string> {
  return new TextDecoder().decode(await world.store.get(split));
}

describe('a snapshot of a file', () => {
  test('of CSV keeps every cell, quoted where it must be', async () => {
    const csv = 'text,intent\n"a, ""b""",x\n"two\nlines",\n';
    const data = await of('data.csv', csv);
    expect(data).toMatchObject({ kind: 'dataset', rows: 2, source: 'file:data.csv' });
    expect(data.splits.train).toMatchObject({ name: 'train', format: 'csv', rows: 2, dataset: data.digest });
    expect(await stored(data.splits.train)).toBe(csv);
    expect(data.splits.holdout).toBeUndefined();
  });

  test('of one column keeps its empty cells', async () => {
    const first = await of('data.csv', 'a\nx\n""\ny\n');
    expect(first.rows).toBe(3);
    expect((await of('again.csv', await stored(first.splits.train))).rows).toBe(3);
  });

  test.each([
    ['LF before CRLF', 'id,x,label\n001,2,yes\r\n002,3,no\r\n003,4,yes\n'],
    ['CRLF before LF', 'id,x,label\r\n001,2,yes\n002,3,no\r\n003,4,yes'],
    ['CR CR LF', 'id,x,label\r\r\n001,2,yes\r\r\n002,3,no\r\r\n003,4,yes\r\r\n'],
    ['CR', 'id,x,label\r001,2,yes\r002,3,no\r003,4,yes'],
  ])('of CSV with lines that end in %s has the values without them', async (_, csv) => {
    const data = await of('data.csv', csv);
    expect(await stored(data.splits.train)).toBe('id,x,label\n001,2,yes\n002,3,no\n003,4,yes\n');
  });

  test('of CSV keeps a column that is called like a member of every object', async () => {
    const csv = '__proto__,constructor\n1,2\n3,4\n';
    expect(await stored((await of('data.csv', csv)).splits.train)).toBe(csv);
  });

  test('of JSON lines keeps every number as it is written', async () => {
    const lines = '{"id": 9007199254740993, "x": 3.0}\n{"id": 9007199254740992, "x": -0, "y": 1e400}\n';
    expect(await stored((await of('data.jsonl', lines)).splits.train)).toBe(lines);
  });

  test('of JSON lines tells large integers apart where they say what stays together', async () => {
    const ids = ['9007199254740992', '9007199254740993', '9007199254740994', '-90071992547409931'];
    const lines = ids.map((id) => `{"id":${id},"of":{"text":"\\"${id}"}}`).join('\n');
    await writeFile(join(root, 'data.jsonl'), lines);
    const split = { holdout: 0.5, seed: 42, by: 'id' };
    const data = await snapshot(stageOf('snapshot', { from: 'file:data.jsonl', split }));
    expect(data.splits).toMatchObject({ train: { rows: 2 }, holdout: { rows: 2 } });
    const suite: Expectation[] = [{ kind: 'unique', column: 'id' }];
    const checked = await run(
      world,
      validateData,
      await callOf(world, stageOf('validate', { suite, maxFailureRate: 0 }), { '/data': data }),
    );
    expect(checked).toMatchObject({ verdict: 'pass', checked: 4 });
  });

  test('of JSON lines keeps values and skips empty lines', async () => {
    const data = await of('data.jsonl', '\ufeff{"text":"a","n":1}\n\n{"text":"b","tags":["x"]}');
    expect(data.rows).toBe(2);
    expect(await stored(data.splits.train)).toBe('{"text":"a","n":1}\n{"text":"b","tags":["x"]}\n');
  });

  test('taken twice is the same snapshot, of the time when it was first taken', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    const first = await of('data.csv', 'a,b\n1,2\n');
    vi.setSystemTime(Date.parse('2026-06-01T00:00:00Z'));
    const again = await of('copy.csv', 'a,b\r\n1,2\r\n');
    expect(again).toMatchObject({ digest: first.digest, snapshotAt: '2026-01-01T00:00:00.000Z' });
    expect(again.splits.train).toEqual(first.splits.train);
    expect(first.digest).toBe(digestOf([['train', sha256('a,b\n1,2\n')]]));
    const other = await of('data.csv', 'a,b\n1,3\n');
    expect(other.digest).not.toBe(first.digest);
    expect(other.snapshotAt).toBe('2026-06-01T00:00:00.000Z');
  });

  test('is split as the plan says, and the digest covers both parts', async () => {
    await writeFile(
      join(root, 'data.jsonl'),
      intentRows()
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const split = { holdout: 0.3, seed: 42, stratify: 'intent' };
    const from = 'file:data.jsonl';
    const data = await snapshot(stageOf('snapshot', { from, split }));
    expect(data).toMatchObject({ rows: 1_000, splits: { train: { rows: 700 }, holdout: { rows: 300 } } });
    const other = await snapshot(stageOf('snapshot', { from, split: { ...split, seed: 43 } }));
    expect(other.digest).not.toBe(data.digest);
    const again = await snapshot(stageOf('snapshot', { from, split }));
    expect(again).toEqual(data);
  });

  test.each([
    ['a column that is missing', { holdout: 0.3, stratify: 'lable' }, 'E_DATA_COLUMNS', 'did you mean `label`?'],
    ['a column of objects', { holdout: 0.3, by: 'of' }, 'E_DATA_COLUMNS', '{"id":1} in row 1'],
    ['classes of one row', { holdout: 0.5, stratify: 'label' }, 'E_DATA_CLASSES', '`c0` (1), `c1` (1)'],
    ['a part without rows', { holdout: 0.1 }, 'E_DATA_EMPTY', '`split.holdout` 0.1 of 2 rows'],
  ])('with a split by %s is refused before anything is stored', async (_, split, code, said) => {
    await writeFile(join(root, 'x.jsonl'), '{"of":{"id":1},"label":"c0"}\n{"of":{"id":2},"label":"c1"}\n');
    const before = new Set(world.store.objects.keys());
    const refused = snapshot(stageOf('snapshot', { from: 'file:x.jsonl', split: { seed: 42, ...split } }));
    const [fault] = await faultsOf(refused);
    expect(fault).toMatchObject({ code, where: 'file:x.jsonl', message: expect.stringContaining(said) as string });
    const stored = [...world.store.objects.keys()].filter((key) => !before.has(key));
    expect(stored.filter((key) => key.startsWith('data/'))).toEqual([]);
  });

  test('takes the path that a param binds', async () => {
    await writeFile(join(root, 'bound.csv'), 'a\n1\n');
    const data = await snapshot(stageOf('snapshot', {}), { '/from': 'file:bound.csv' });
    expect(data.source).toBe('file:bound.csv');
  });
});

describe('the stages after a snapshot', () => {
  const csv = 'text,intent\nhello,greet\n';
  const suite: Expectation[] = [{ kind: 'notEmpty', column: 'intent' }];

  test.each([
    ['changes', 'text,intent\nother,\nrows,\n'],
    ['is emptied', ''],
    ['is gone', undefined],
  ])('read the same bytes from the begin of the run to its end when the source %s', async (_, later) => {
    const data = await of('data.csv', csv);
    const atStart = sha256(await world.store.get(data.splits.train));
    await rm(join(root, 'data.csv'));
    if (later !== undefined) await writeFile(join(root, 'data.csv'), later);
    const weights = await outputFile(world, 'model/model.skops', 'weights');
    world.jobs.play = leaving(world, [weights], { accuracy: 1 });
    const checked = await run(
      world,
      validateData,
      await callOf(world, stageOf('validate', { suite, maxFailureRate: 0 }), { '/data': data }),
    );
    const model = await run(world, trainModel, await callOf(world, trainStage, { '/inputs/train': data.splits.train }));
    const [job] = world.trainer.jobs.values();
    const [file] = job?.spec.inputs['train'] ?? [];
    if (file === undefined) throw new Error('the job got no data');
    const read = await world.store.get(file);
    expect(new TextDecoder().decode(read)).toBe(csv);
    expect([sha256(read), file.sha256]).toEqual([atStart, atStart]);
    expect(checked).toMatchObject({ verdict: 'pass', checked: 1, data: { digest: data.digest } });
    expect(model.dataset).toBe(data.digest);
  });

  test('read the same bytes when the object that it was taken from is written again', async () => {
    await artifact(world, 'incoming/data.csv', csv);
    const data = await snapshot(stageOf('snapshot', { from: 's3://slipway/incoming/data.csv' }));
    await artifact(world, 'incoming/data.csv', 'text,intent\nother,x\n');
    expect(await stored(data.splits.train)).toBe(csv);
  });
});

describe('a file outside the project', () => {
  test.each(['file:../outside.csv', 'file:/etc/passwd', 'file:link.csv', 'file:sub/../../outside.csv'])(
    'named %s is refused',
    async (from) => {
      world = createWorld(join(root, 'project'));
      await mkdir(join(root, 'project/sub'), { recursive: true });
      await writeFile(join(root, 'outside.csv'), 'a\n1\n');
      await symlink(join(root, 'outside.csv'), join(root, 'project/link.csv'));
      expect(await codesOf(snapshot(stageOf('snapshot', { from })))).toEqual(['E_PATH_ESCAPE']);
      expect([...world.store.objects.keys()].filter((key) => key.startsWith('data/'))).toEqual([]);
    },
  );
});

describe('data that cannot be read', () => {
  test.each<[string, string, string | Uint8Array, string, string]>([
    ['bytes that are not UTF-8', 'data.csv', Uint8Array.of(0x61, 0x0a, 0xff, 0xfe), 'E_DATA_ENCODING', 'file:data.csv'],
    ['a column twice in the header', 'data.csv', 'a,b,a\n1,2,3\n', 'E_DATA_COLUMNS', 'file:data.csv'],
    ['a line with too many cells', 'data.csv', 'a,b\n1,2\n1,2,3\n', 'E_CSV', 'file:data.csv:3'],
    ['a quote that is never closed', 'data.csv', 'a,b\n1,"2\n', 'E_CSV', 'file:data.csv:2'],
    ['no rows', 'data.csv', 'a,b\n', 'E_DATA_EMPTY', 'file:data.csv'],
    ['an empty file', 'data.jsonl', '', 'E_DATA_EMPTY', 'file:data.jsonl'],
    ['a line that is no JSON', 'data.jsonl', '{"a":1}\n{"a":\n', 'E_DATA_PARSE', 'file:data.jsonl:2'],
    ['a line that is no object', 'data.jsonl', '{"a":1}\n\n[1]\n', 'E_DATA_PARSE', 'file:data.jsonl:3'],
    ['a name of another format', 'data.xlsx', 'x', 'E_DATA_FORMAT', 'file:data.xlsx'],
  ])('with %s is refused, naming the place', async (_, name, content, code, where) => {
    expect(await faultsOf(of(name, content))).toMatchObject([{ code, where }]);
  });

  test.each([
    'file:missing.csv',
    'data.csv',
    'https://example.com/data.csv',
    '',
    's3://slipway/missing.csv',
    'file:folder.csv',
    'file:.',
  ])('at %j is refused as a source', async (from) => {
    await mkdir(join(root, 'folder.csv'));
    expect(await codesOf(snapshot(stageOf('snapshot', { from })))).toEqual(['E_DATA_SOURCE']);
  });
});

describe('a snapshot of an object', () => {
  test('in the store is taken like a file', async () => {
    await artifact(world, 'incoming/data.csv', 'a,b\n1,2\n');
    await artifact(world, 'incoming/data.csv.bak', 'a,b\n9,9\n');
    const data = await snapshot(stageOf('snapshot', { from: 's3://slipway/incoming/data.csv' }));
    expect(await stored(data.splits.train)).toBe('a,b\n1,2\n');
  });
});

describe('data of more than 64 MiB', () => {
  const large = 64 * 1024 * 1024 + 1;
  const refused = (where: string) => [
    { code: 'E_DATA_SIZE', where, message: expect.stringMatching(/67108864 bytes \(it has 67108865\)/) as string },
  ];

  test('in a file is refused without reading it', async () => {
    await writeFile(join(root, 'data.csv'), '');
    await truncate(join(root, 'data.csv'), large);
    expect(await faultsOf(snapshot(stageOf('snapshot', { from: 'file:data.csv' })))).toMatchObject(
      refused('file:data.csv'),
    );
  });

  test('in an object, or written by a source, is refused without reading it', async () => {
    await world.store.put('incoming/data.csv', Buffer.alloc(large));
    const from = 's3://slipway/incoming/data.csv';
    expect(await faultsOf(snapshot(stageOf('snapshot', { from })))).toMatchObject(refused(from));
    const source = { trainer: { adapter: 'fake', run: ['make'] }, params: {} };
    const written = { ...(await outputFile(world, 'output/data/rows.csv', 'a\n1\n')), bytes: large };
    world.jobs.play = leaving(world, [written], null);
    expect(await faultsOf(snapshot(stageOf('snapshot', { source })))).toMatchObject(
      refused('snapshot output/data/rows.csv'),
    );
  });
});

describe('a snapshot of a source', () => {
  const source = { trainer: { adapter: 'fake', run: ['python', '-m', 'source'] }, params: { size: 10 } };
  const stage = stageOf('snapshot', { source });
  const writes = async (...names: string[]) => {
    const files = await Promise.all(
      names.map((name) => outputFile(world, `output/data/${name}`, '{"a":1}\n{"a":2}\n')),
    );
    world.jobs.play = leaving(world, files, null);
  };

  test('runs it as a job and takes the one file that it wrote', async () => {
    await writes('rows.jsonl');
    const data = await snapshot(stage, { '/from': 's3://bucket/raw', '/params': { seed: 7 } });
    expect(data).toMatchObject({ rows: 2, source: 's3://bucket/raw', splits: { train: { format: 'jsonl' } } });
    const [job] = world.trainer.jobs.values();
    expect(job?.spec).toMatchObject({
      hyperparameters: { size: 10, from: 's3://bucket/raw', seed: 7 },
      expects: ['data'],
      inputs: {},
    });
  });

  test.each([[[]], [['a.jsonl', 'b.csv']], [['notes.txt']]])('refuses the files %j', async (names) => {
    await writes(...names);
    expect(await codesOf(snapshot(stage))).toEqual(['E_TRAINER_CONTRACT']);
  });

  test.each([
    ['wrote none of the data files', 'notes.txt', 'a\n'],
    ['wrote data that cannot be read', 'rows.csv', 'a,a\n1,2\n'],
  ])('says of one that %s that nothing of its job runs', async (_, name, text) => {
    const file = await outputFile(world, `output/data/${name}`, text);
    world.jobs.play = leaving(world, [file], null);
    const error: unknown = await snapshot(stage).catch((reason: unknown) => toFailure(reason));
    expect(error).toMatchObject({ details: [{ stopped: true }] });
  });

  test('of another attempt takes the place of the job before, and is told what it cost', async () => {
    await writes('rows.jsonl');
    world.environment.prices = { currency: 'EUR', trainers: { fake: 3_600 }, pools: {} };
    const first = await callOf(world, stage);
    await run(world, snapshotData, first);
    expect(await run(world, snapshotData, { ...first, attempt: 2 })).toMatchObject({ cost: { currency: 'EUR' } });
    expect([...world.store.objects.keys()].filter((key) => key.endsWith('/superseded.json'))).toHaveLength(1);
  });

  test('fails with both hashes when what it wrote has changed since', async () => {
    await writes('rows.jsonl');
    for (const [key, object] of world.store.objects) {
      if (key.endsWith('rows.jsonl'))
        world.store.objects.set(key, { ...object, body: Buffer.from('{"a":1}\n{"a":3}\n') });
    }
    const [fault] = await faultsOf(snapshot(stage));
    expect(fault).toMatchObject({
      code: 'E_ARTIFACT_DIGEST',
      message: expect.stringMatching(/^expected sha256 [0-9a-f]{12} .*, found [0-9a-f]{12} /) as string,
    });
  });
});
