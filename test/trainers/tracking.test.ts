import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openS3Store } from '../../adapters/store/s3/index.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { jobRunner } from './job-fixture.js';

const prefix = `tracking-${Date.now()}/`;
let base: string;
let stack: TestStack;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'slipway-tracking-'));
  stack = await provideStack(['s3', 'mlflow']);
});
afterAll(() => rm(base, { recursive: true, force: true }));

interface Run {
  run: {
    info: { run_id: string; status: string };
    data: { params: { key: string; value: string }[]; metrics: { key: string; value: number }[] };
  };
}

async function mlflow<T>(path: string, body?: object): Promise<T> {
  const init = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${stack.address('mlflow')}/api/2.0/mlflow/${path}`, init);
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as T;
}

test('a trainer adds parameters, metrics and the skops model to the run that it was given, and leaves it open', async () => {
  const store = openS3Store(stack.s3(prefix), stack.context);
  const csv = readFileSync(resolve(import.meta.dirname, '../../trainers/iris/data/iris.csv'));
  const data = { path: 'iris.csv', ...(await store.put('iris.csv', csv)) };
  const created = await mlflow<Run>('runs/create', { experiment_id: '0', start_time: 0 });
  const id = created.run.info.run_id;

  const end = await jobRunner(
    stack,
    store,
    base,
    prefix,
  )({
    folder: 'iris',
    command: ['python', '-m', 'iris.train'],
    inputs: { train: [data] },
    hyperparameters: { epochs: 50 },
    environment: { MLFLOW_TRACKING_URI: stack.address('mlflow'), MLFLOW_RUN_ID: id },
    expects: ['model', 'metrics'],
  });
  expect(end.failure).toBeUndefined();

  const { run } = await mlflow<Run>(`runs/get?run_id=${id}`);
  expect(run.info.status).toBe('RUNNING');
  expect(run.data.params).toContainEqual({ key: 'epochs', value: '50' });
  expect(run.data.metrics.map(({ key }) => key).sort()).toEqual(['rows', 'trainAccuracy']);
  const listed = await mlflow<{ files: { path: string }[] }>(`artifacts/list?run_id=${id}&path=model`);
  expect(listed.files.map(({ path }) => path).sort()).toEqual(['model/model.json', 'model/model.skops']);
});
