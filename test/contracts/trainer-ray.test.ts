import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

import { baseEnvironment } from '../../processes/index.js';
import { provideStack } from '../stack-fixture.js';
import { jobHarness, rayBench, type RayBench, sealing, token, trainerHarness } from './ray/harness.js';
import { RayStandIn } from './ray/stand-in.js';
import { describeTrainer } from './trainer.contract.js';
import { describeTrainerJobs } from './trainer-jobs.contract.js';

let folder: string;
let cluster: RayStandIn;
let bench: RayBench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-ray-'));
  const stack = await provideStack(['s3']);
  const python = await stack.python('trainers/ray/node-requirements.txt');
  const env = { ...baseEnvironment(), SLIPWAY_SEALING_KEY: sealing };
  cluster = await new RayStandIn({ folder, python, env, token }).listen();
  bench = rayBench(stack, folder, cluster.url, python);
});
afterAll(async () => {
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

describeTrainer('ray', () => Promise.resolve(trainerHarness(bench)));
describeTrainerJobs('ray', () => Promise.resolve(jobHarness(bench, (job) => Promise.resolve(cluster.packageOf(job)))));
