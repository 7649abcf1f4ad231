import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { programs } from './job-specs.js';
import { packed } from '../trainers/job-fixture.js';
import { type KubernetesBench, newKey, openBench, textsBelow } from './kubernetes/suite.js';
import { markedProcesses } from './marked-processes.js';
import { describeTrainer } from './trainer.contract.js';
import { describeTrainerJobs, programs as jobPrograms } from './trainer-jobs.contract.js';

let folder: string;
let bench: KubernetesBench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-kubernetes-'));
  bench = await openBench(folder);
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

describeTrainer('kubernetes', () => {
  const { trainer, job, cluster } = bench;
  return Promise.resolve({
    trainer,
    job: (behaviour) => job(programs[behaviour]),
    crash: (id) => cluster.crash(id),
  });
});

describeTrainerJobs('kubernetes', () => {
  const { trainer, job, store, secrets, cluster } = bench;
  return Promise.resolve({
    trainer,
    job: (behaviour, more) => job(jobPrograms[behaviour], more),
    secret: { ref: 'env:PLANTED', value: secrets['env:PLANTED'] ?? '' },
    stored: async (spec) => {
      const prefix = store.key(spec.outputs);
      const found = await store.list(prefix);
      const bodies = found.map(async (o) => [o.key.slice(prefix.length), (await store.read(o.key))!.body] as const);
      return Object.fromEntries(await Promise.all(bodies));
    },
    alive: async (jobKey) => (await markedProcesses(jobKey)).length,
    kept: async (id) => {
      const stored = (await store.list(`kubernetes/${id}/`)).map(async (o) => (await store.read(o.key))!.body);
      const texts = (await Promise.all(stored)).map((body) => Buffer.from(body).toString());
      const pods = cluster.podsOf(id);
      const node = await Promise.all(pods.map((pod) => textsBelow(join(folder, 'node', pod.metadata.name))));
      return [JSON.stringify(cluster.objects.get('jobs', id)), JSON.stringify(pods), ...texts, ...node].join('\n');
    },
  });
});

test('a Job of Kubernetes runs the train.py that a local process runs, code and inputs unchanged', async () => {
  const { stack, store, trainer } = bench;
  const trainers = resolve(import.meta.dirname, '../../trainers');
  await stack.python('trainers/iris/requirements.txt');
  const lock = await readFile(join(trainers, 'iris/requirements.txt'));
  const data = await store.put('iris.csv', await readFile(join(trainers, 'iris/data/iris.csv')));
  const spec = bench.job('', {
    command: ['python', '-m', 'iris.train'],
    code: await store.put('iris.tar', await packed(join(trainers, 'iris/iris'))),
    requirements: createHash('sha256').update(lock).update('3.11').digest('hex'),
    inputs: { train: [{ path: 'train.csv', ...data }] },
    hyperparameters: { epochs: 50 },
  });
  const state = await bench.ended(await trainer.start(spec, newKey()));
  if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
  const model = state.manifest.files.find(({ path }) => path === 'model/model.json');
  expect(await store.get(model!)).toHaveLength(model!.bytes);
});
