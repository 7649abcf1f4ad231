import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

import { packed } from '../../trainers/job-fixture.js';
import { countedJobs, programs } from '../job-specs.js';
import { markedProcesses } from '../marked-processes.js';
import { describeTrainerJobs, programs as jobPrograms } from '../trainer-jobs.contract.js';
import { describeTrainer } from '../trainer.contract.js';
import type { KubeObject } from './objects.js';
import { newKey, textsBelow, type TrainerBench } from './suite.js';

/** A cluster, real or not. */
export interface ClusterHarness {
  bench: TrainerBench;
  /** The job's node is gone, and Kubernetes knows. */
  crash(job: string): Promise<void>;
  /** The Job and its pods, and where what a pod writes is. */
  objects(job: string): Promise<{ job: KubeObject | undefined; pods: KubeObject[]; files: (pod: string) => string }>;
}

/** What every trainer must do, on this cluster. */
export function describeKubernetes(name: string, open: () => ClusterHarness): void {
  describeTrainer(name, () => {
    const { bench, crash } = open();
    const { trainer, folder, job } = bench;
    return Promise.resolve({
      trainer,
      job: (behaviour) => job(programs[behaviour]),
      counted: countedJobs(folder, job),
      crash,
    });
  });

  describeTrainerJobs(name, () => {
    const { bench, objects } = open();
    const { trainer, store, secrets } = bench;
    return Promise.resolve({
      trainer,
      job: (behaviour, more) => bench.job(jobPrograms[behaviour], more),
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
        const { job, pods, files } = await objects(id);
        const node = await Promise.all(pods.map((pod) => textsBelow(files(pod.metadata.name))));
        return [JSON.stringify(job), JSON.stringify(pods), ...texts, ...node].join('\n');
      },
    });
  });

  test(`a Job of ${name} runs the train.py that a local process runs, code and inputs unchanged`, async () => {
    const { bench } = open();
    const { stack, store, trainer } = bench;
    const trainers = resolve(import.meta.dirname, '../../../trainers');
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
}
