import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SlipwayClient } from '../../client/index.js';
import { completeAll, loadDefinitions } from '../../operations/definitions.js';
import type { RunInputs } from '../../operations/if-changed.js';
import { changeSince, differences, inputsOf, recordInputs, unlessElsewhere } from '../../operations/if-changed.js';
import { encode } from '../../operations/records.js';
import { promotionOf } from './promotion-record.js';
import { keys } from '../../plan/names.js';
import type { Plan } from '../../plan/plan.js';
import { fakeStore } from '../../testing/fakes/store.js';

const repository = resolve(import.meta.dirname, '../..');
const params = { dataset: 'file:trainers/iris/data/iris.csv' };
/** Nothing here may ask Temporal: promotions are in the store. */
const client = {} as SlipwayClient;
let root: string;
let store: ReturnType<typeof fakeStore>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-changed-'));
  store = fakeStore();
  for (const path of ['pipelines/iris.ts', 'trainers/iris'])
    cpSync(join(repository, path), join(root, path), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function plan(): Promise<Plan> {
  const [complete] = await completeAll(root, await loadDefinitions(root));
  if (complete === undefined) throw new Error('the project has no pipeline');
  return complete.plan;
}
const inputs = async (): Promise<RunInputs> => inputsOf(root, store, await plan(), params);

async function promoted(workflowId: string, sequence: number): Promise<void> {
  const record = promotionOf({
    service: 'iris',
    sequence,
    run: { workflowId, runId: 'r', pipeline: 'iris', plan: 'p' },
    at: `2026-01-0${sequence}T00:00:00.000Z`,
  });
  await store.replace(keys.promotion('dev', 'iris', sequence), encode(record), undefined);
}

test('a folder is no data, wherever it is read; what is missing here may be elsewhere', async () => {
  const of = async (dataset: string) => inputsOf(root, store, await plan(), { dataset }).catch(unlessElsewhere);
  await expect(of('file:trainers/iris')).rejects.toMatchObject({
    exitCode: 65,
    faults: [{ code: 'E_DATA_SOURCE', where: 'file:trainers/iris', message: 'is not a regular file' }],
  });
  expect(await of('file:trainers/none.csv')).toBeUndefined();
});

describe('what a run is made of', () => {
  test.each([
    ['the data', 'trainers/iris/data/iris.csv', '1,1,1,1,setosa\n', ['code', 'data of snapshot']],
    ['the code of a trainer', 'trainers/iris/iris/train.py', '\nTHRESHOLD = 1\n', ['code']],
    ['the docs', 'docs/notes.md', 'a thought\n', []],
  ])('changes with %s as it should', async (_, file, text, changed) => {
    const before = await inputs();
    mkdirSync(join(root, file, '..'), { recursive: true });
    appendFileSync(join(root, file), text);
    expect(differences(before, await inputs())).toEqual(changed);
  });

  test('does not change when lines of the pipeline file move', async () => {
    const before = await inputs();
    const text = readFileSync(join(root, 'pipelines/iris.ts'), 'utf8');
    writeFileSync(join(root, 'pipelines/iris.ts'), `// A remark.\n${text}`);
    expect(differences(before, await inputs())).toEqual([]);
  });

  test('names the params that differ', () => {
    const one = { code: 'c', data: {}, params: { epochs: 3, share: 1 } };
    expect(differences(one, { ...one, params: { epochs: 4, share: 1 } })).toEqual(['param epochs']);
  });

  test('is the bytes of an object in the store', async () => {
    const at = async (bytes: string) => {
      const ref = await store.put('uploads/flowers.csv', new TextEncoder().encode(bytes));
      return (await inputsOf(root, store, await plan(), { dataset: ref.uri })).data['snapshot'];
    };
    const first = await at('a\n1\n');
    expect(await at('a\n1\n')).toBe(first);
    expect(await at('a\n2\n')).not.toBe(first);
  });

  test.each([
    ['file:missing.csv', 'E_DATA_SOURCE', 'no such file'],
    ['file:trainers/iris/data', 'E_DATA_SOURCE', 'is not a regular file'],
    ['file:.', 'E_DATA_SOURCE', 'is not a regular file'],
    ['file:trainers/iris/data/iris.csv/x', 'E_DATA_SOURCE', 'no such file'],
    ['s3://slipway/missing.csv', 'E_DATA_SOURCE', 'no such object'],
    ['file:../../etc/passwd', 'E_PATH_ESCAPE', 'is not inside the project folder'],
  ])('cannot be read from %s', async (dataset, code, message) => {
    const fault = { code, where: dataset, message };
    await expect(inputsOf(root, store, await plan(), { dataset })).rejects.toMatchObject({
      faults: [fault],
      exitCode: 65,
    });
  });
});

describe('the change since the last promoted run', () => {
  const since = async () => changeSince({ store, client, environment: 'dev', plan: await plan() }, await inputs());

  test('is everything before the first promotion', async () => {
    expect(await since()).toEqual({ since: null, changed: ['no run was promoted yet'] });
  });

  test('is nothing when that run had the same inputs, whatever ran after it', async () => {
    await recordInputs(store, 'dev', 'iris', 'dev:iris:1', await inputs());
    await promoted('dev:iris:1', 1);
    await recordInputs(store, 'dev', 'iris', 'dev:iris:rejected', { code: 'other', data: {}, params: {} });
    expect(await since()).toEqual({ since: 'dev:iris:1', changed: [] });
  });

  test('is unknown, so a reason to run, when that run was started elsewhere', async () => {
    await promoted('from-the-ui', 1);
    expect((await since()).changed).toEqual(['the inputs of from-the-ui are not known']);
  });

  test('counts from the newest promotion', async () => {
    await recordInputs(store, 'dev', 'iris', 'dev:iris:1', await inputs());
    await recordInputs(store, 'dev', 'iris', 'dev:iris:2', { ...(await inputs()), params: {} });
    await promoted('dev:iris:1', 1);
    await promoted('dev:iris:2', 2);
    expect(await since()).toEqual({ since: 'dev:iris:2', changed: ['param dataset'] });
  });
});
