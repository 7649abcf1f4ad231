import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

import { describeKubernetes } from './kubernetes/contract.js';
import { type KubernetesBench, openBench } from './kubernetes/suite.js';

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

describeKubernetes('kubernetes', () => ({
  bench,
  crash: (job) => bench.cluster.crash(job),
  objects: (id) => {
    const job = bench.cluster.objects.get('jobs', id);
    const files = (pod: string) => join(folder, 'node', pod);
    return Promise.resolve({ job, pods: bench.cluster.podsOf(id), files });
  },
}));
