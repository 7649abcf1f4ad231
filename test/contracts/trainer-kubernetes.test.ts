import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

import { programs } from './job-specs.js';
import { type KubernetesBench, openBench, textsBelow } from './kubernetes/suite.js';
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
