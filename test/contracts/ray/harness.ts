import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';

import type { OpenContext } from '../../../adapters/open-context.js';
import { openS3Store } from '../../../adapters/store/s3/index.js';
import type { Store } from '../../../adapters/store/port.js';
import { openRayTrainer } from '../../../adapters/trainer/ray/index.js';
import { rayTrainerOptions, type RayTrainerOptions } from '../../../adapters/trainer/ray/options.js';
import type { JobSpec, Trainer } from '../../../adapters/trainer/port.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { endMarked } from '../../../processes/index.js';
import { markedProcesses } from '../marked-processes.js';
import type { TestStack } from '../../stack-fixture.js';
import type { Behaviour, TrainerHarness } from '../trainer.contract.js';
import { type JobHarness, programs as jobPrograms } from '../trainer-jobs.contract.js';

export const programs: Record<Behaviour, string> = {
  succeeds: `
import os, json
open(os.environ['SM_MODEL_DIR'] + '/model.txt', 'w').write('weights')
json.dump({'accuracy': 0.75, 'recall': {'a': 0.5}}, open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w'))
print('trained')`,
  fails: "import sys; print('cannot learn'); sys.exit(3)",
  'fails for now': 'import sys; sys.exit(75)',
  'leaves nothing': '',
  runs: "import time; print('running', flush=True); time.sleep(600)",
};

export const newKey = (): string => randomBytes(32).toString('hex');
export const token = randomBytes(24).toString('hex');
export const planted = randomBytes(24).toString('hex');
export const sealing = randomBytes(32).toString('hex');

/** The adapter on a cluster, with jobs in the S3 of the test stack. */
export interface RayBench {
  stack: TestStack;
  store: Store;
  context: OpenContext;
  options: RayTrainerOptions;
  trainer(more?: Partial<RayTrainerOptions>): Trainer;
  job(program: string, more?: Partial<JobSpec>): JobSpec;
}

export function rayBench(stack: TestStack, folder: string, url: string, python: string): RayBench {
  const s3 = stack.s3(`trainer-ray-${randomBytes(6).toString('hex')}/`);
  const store = openS3Store(s3, stack.context);
  const own: Record<string, string> = { 'env:RAY_TOKEN': token, 'env:PLANTED': planted, 'env:SEALING': sealing };
  const context: OpenContext = {
    root: stack.root,
    secret: (ref) => own[ref] ?? (stack.context.secret(ref) || missing(ref)),
  };
  const options = rayTrainerOptions.parse({
    adapter: 'ray',
    url,
    python,
    token: 'env:RAY_TOKEN',
    directory: `${folder}/jobs`,
    environments: `${folder}/python`,
    sealingKey: 'env:SEALING',
    store: { endpoint: stack.address('s3'), region: 'us-east-1', credentials: s3.credentials },
  });
  return {
    stack,
    store,
    context,
    options,
    trainer: (more = {}) => openRayTrainer({ ...options, ...more }, context, store),
    job: (program, more = {}) => ({
      command: ['python', '-c', program],
      code: null,
      requirements: null,
      inputs: {},
      hyperparameters: {},
      environment: {},
      secrets: {},
      resources: {},
      outputs: store.uri(`jobs/${randomBytes(6).toString('hex')}/`),
      checkpoints: store.uri(`checkpoints/${randomBytes(6).toString('hex')}/`),
      expects: ['model', 'metrics'],
      maxMs: 120_000,
      identity: { run: 'dev:iris:1', stage: 'train', attempt: 1 },
      options: {},
      ...more,
    }),
  };
}

export function trainerHarness(bench: RayBench): TrainerHarness {
  return {
    trainer: bench.trainer(),
    job: (behaviour) => bench.job(programs[behaviour]),
    crash: async (job) => {
      await endMarked(job.replace('slipway-', ''), { graceMs: 0 });
      await expect.poll(() => statusOf(bench, job), { timeout: 100_000, interval: 100 }).not.toBe('RUNNING');
    },
  };
}

/** `files` is what lies on the nodes besides what the API tells. */
export function jobHarness(bench: RayBench, files: (job: string) => Promise<string>): JobHarness {
  return {
    trainer: bench.trainer(),
    job: (behaviour, more) => bench.job(jobPrograms[behaviour], more),
    secret: { ref: 'env:PLANTED', value: planted },
    stored: async ({ outputs }) => {
      const prefix = bench.store.key(outputs);
      const found = (await bench.store.list(prefix)).map(async ({ key }) => {
        return [key.slice(prefix.length), (await bench.store.read(key))!.body] as const;
      });
      return Object.fromEntries(await Promise.all(found));
    },
    alive: async (key) => (await markedProcesses(key)).length,
    kept: async (job) => {
      const texts = ['', '/logs'].map(async (path) => (await raw(bench, `/api/jobs/${job}${path}`)).text());
      return [...(await Promise.all(texts)), await files(job)].join('\n');
    },
  };
}

/** A request of our own. */
export function raw({ options }: RayBench, path: string): Promise<Response> {
  return fetch(options.url + path, { headers: { authorization: `Bearer ${token}` } });
}

/** What Ray says of a job. */
export async function detailsOf(bench: RayBench, job: string): Promise<Record<string, unknown>> {
  return (await (await raw(bench, `/api/jobs/${job}`)).json()) as Record<string, unknown>;
}

export async function statusOf(bench: RayBench, job: string): Promise<unknown> {
  return (await detailsOf(bench, job))['status'];
}

function missing(ref: string): never {
  const message = 'the reference is missing or empty';
  throw new SlipwayError({ code: 'E_SECRET_REF', where: ref, message }, exitCodes.configuration);
}
