import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openMlserver } from '../../adapters/serving/mlserver/index.js';
import { mlserver, mlserverOptions } from '../../adapters/serving/mlserver/options.js';
import type { Serving, ServingVersion } from '../../adapters/serving/port.js';
import type { Endpoint } from '../../plan/outputs.js';
import { endGroup, readRecord } from '../../processes/index.js';
import { fakeStore } from '../../testing/fakes/store.js';
import { provideStack, projectRoot } from '../stack-fixture.js';
import { describeServing } from './serving.contract.js';

const request = { inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }] };
const store = fakeStore();
const context = { root: '/', secret: () => '' };
let folder: string;
let python: string;
let models: [ServingVersion, ServingVersion];

beforeAll(async () => {
  const stack = await provideStack([]);
  folder = await mkdtemp(join(tmpdir(), 'slipway-serving-'));
  python = await stack.python('trainers/serving/requirements.txt');
  await promisify(execFile)(python, [join(import.meta.dirname, 'tiny_model.py'), join(folder, 'models')]);
  models = [await stored('1'), await stored('2')];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function stored(version: string): Promise<ServingVersion> {
  const at = join(folder, 'models', version);
  const files = (await readdir(at)).sort().map(async (name) => ({
    path: `model/${name}`,
    ...(await store.putFile(`models/${version}/${name}`, join(at, name))),
  }));
  return { service: 'iris', version, files: await Promise.all(files) };
}

/** Servers in a folder of their own, with the Python of the test stack. */
async function open(environments = join(projectRoot, '.slipway', 'python')) {
  const root = await mkdtemp(join(folder, 'root-'));
  const options = mlserverOptions.parse(mlserver({ python: relative(root, environments) }));
  const at = (endpoint: Endpoint, file: string) => join(root, '.slipway', 'serving', endpoint.id, file);
  return {
    serving: openMlserver(options, { ...context, root }, store),
    at,
    targets: join(root, '.slipway', 'prometheus', 'targets'),
  };
}

async function endAll(serving: Serving): Promise<void> {
  for (const endpoint of await serving.list()) await serving.unload(endpoint);
}

describeServing('mlserver', async () => {
  const { serving, at } = await open();
  return {
    serving,
    versions: models,
    request,
    badRequest: { inputs: [] },
    async crash(endpoint) {
      const record = await readRecord(at(endpoint, 'process.json'));
      if (record !== undefined) await endGroup(record, { graceMs: 0 });
    },
    close: () => endAll(serving),
  };
});

/** Does something while requests of some length are under way, each of which must be answered. */
async function whileItAnswers(serving: Serving, endpoint: Endpoint, work: () => Promise<void>): Promise<void> {
  const data = Array.from({ length: 4_000 }, (_, n) => n % 7);
  const many = { inputs: [{ name: 'features', datatype: 'FP64', shape: [1_000, 4], data }] };
  const answers = Array.from({ length: 4 }, () => serving.predict(endpoint, many));
  await Promise.race(answers);
  await work();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 200));
}

describe('a model server', () => {
  test('is scraped from its start until just before its end, under its own labels, and answers the requests that it has when it is unloaded', async () => {
    const { serving, targets } = await open();
    const endpoint = await serving.load(models[0]);
    const [target] = JSON.parse(await readFile(join(targets, `${endpoint.id}.json`), 'utf8')) as {
      targets: string[];
      labels: unknown;
    }[];
    expect(target?.labels).toEqual({ service: 'iris', version: '1', digest: endpoint.sha256.slice(0, 12) });
    const page = await (await fetch(`http://${target?.targets[0]}/metrics`)).text();
    expect(page).toContain(
      `slipway_predictions_total{digest="${endpoint.sha256.slice(0, 12)}",service="iris",version="1"} 0.0`,
    );
    await whileItAnswers(serving, endpoint, () => serving.unload(endpoint));
    expect(await readdir(targets)).toEqual([]);
  });

  test('is started again on its port, with its files mended, after a crash and a hand on its model', async () => {
    const { serving, at } = await open();
    const endpoint = await serving.load(models[0]);
    await endAll(serving);
    await writeFile(at(endpoint, 'model.skops'), 'another model');
    expect(await serving.load(models[0])).toEqual(endpoint);
    expect(await serving.version(endpoint)).toMatchObject({ sha256: endpoint.sha256 });
    await endAll(serving);
  });

  test('that refuses its model is told with the end of its log', async () => {
    const { serving } = await open();
    const bytes = await store.put('models/pickle', Buffer.from('\x80\x04\x95'));
    const files = models[0].files.map((file) => (file.path.endsWith('.skops') ? { ...file, ...bytes } : file));
    const loading = serving.load({ service: 'iris', version: '3', files });
    await expect(loading).rejects.toMatchObject({
      code: 'E_SERVING_START',
      message: expect.stringContaining('E_MODEL_FORMAT') as string,
    });
  });

  test('whose Python was not installed is refused with the command that installs it', async () => {
    const { serving } = await open(join(folder, 'nowhere'));
    await expect(serving.load(models[0])).rejects.toMatchObject({
      code: 'E_SERVING_ENVIRONMENT',
      exitCode: 78,
      message: expect.stringContaining('slipway up') as string,
    });
  });

  test.each(['model/../../escaped', 'model/serving.json', 'other/file', '/model/x'])(
    'gets no file %s',
    async (path) => {
      const { serving } = await open();
      const [file] = models[0].files;
      const files = [...models[0].files, { uri: '', sha256: '', bytes: 0, ...file, path }];
      await expect(serving.load({ ...models[0], files })).rejects.toMatchObject({ code: 'E_SERVING_MODEL' });
    },
  );
});
