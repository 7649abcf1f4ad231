import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';

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
import { describeTrainer } from '../trainer.contract.js';
import { countedJobs, jobSpec, programs } from '../job-specs.js';
import { describeTrainerJobs, programs as jobPrograms } from '../trainer-jobs.contract.js';

export const newKey = (): string => randomBytes(32).toString('hex');
export const token = randomBytes(24).toString('hex');
const planted = randomBytes(24).toString('hex');
export const sealing = randomBytes(32).toString('hex');

/** The adapter on a cluster, with jobs in the S3 of the test stack. */
export interface RayBench {
  stack: TestStack;
  folder: string;
  store: Store;
  context: OpenContext;
  options: RayTrainerOptions;
  trainer: Trainer;
  job(program: string, more?: Partial<JobSpec>): JobSpec;
}

/** Opens the trainer on the cluster at `url`, whose nodes run the launcher with `python`. */
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
  const somewhere = (what: string) => store.uri(`${what}/${randomBytes(6).toString('hex')}/`);
  return {
    stack,
    folder,
    store,
    context,
    options,
    trainer: openRayTrainer(options, context, store, 'dev'),
    job: (program, more = {}) =>
      jobSpec(program, { outputs: somewhere('jobs'), checkpoints: somewhere('checkpoints') }, more),
  };
}

/** What every trainer must do, on this Ray. `files` is what lies on the nodes of a job besides what the API tells. */
export function describeRay(bench: () => RayBench, files: (job: string) => Promise<string>): void {
  describeTrainer('ray', () => {
    const { trainer, job, folder } = bench();
    return Promise.resolve({
      trainer,
      job: (behaviour) => job(programs[behaviour]),
      counted: countedJobs(folder, job),
      crash: async (id) => {
        await endMarked(id.replace('slipway-', ''), { graceMs: 0 });
        await expect.poll(() => statusOf(bench(), id), { timeout: 100_000, interval: 100 }).not.toBe('RUNNING');
      },
    });
  });
  describeTrainerJobs('ray', () => {
    const { trainer, job, store } = bench();
    return Promise.resolve({
      trainer,
      job: (behaviour, more) => job(jobPrograms[behaviour], more),
      secret: { ref: 'env:PLANTED', value: planted },
      stored: ({ outputs }) => storedBelow(store, outputs),
      alive: async (key) => (await markedProcesses(key)).length,
      kept: async (id) => {
        const texts = ['', '/logs'].map(async (path) => (await raw(bench(), `/api/jobs/${id}${path}`)).text());
        return [...(await Promise.all(texts)), await files(id)].join('\n');
      },
    });
  });
}

/** Whose jobs the cluster knows. */
export function testListing(bench: () => RayBench): void {
  test('lists the jobs of a run, with how to end each, and knows which have ended', async () => {
    const { trainer, job, options } = bench();
    const identity = { run: `dev:it's listed:${newKey()}`, stage: 'train', attempt: 2 };
    const owner = { environment: 'dev', run: identity.run };
    const id = await trainer.start(job(programs.runs, { identity }), newKey());
    const endWith = `ray job stop ${id} --address ${options.url}`;
    expect(await trainer.list?.(owner)).toEqual([
      { job: id, ...owner, stage: 'train', attempt: 2, ended: false, endWith },
    ]);
    expect(await trainer.list?.({ ...owner, environment: 'prod' })).toEqual([]);
    await trainer.stop(id);
    expect(await trainer.list?.(owner)).toMatchObject([{ job: id, ended: true }]);
  });
}

/** Path → content. */
async function storedBelow(store: Store, uri: string): Promise<Record<string, Uint8Array>> {
  const prefix = store.key(uri);
  const found = (await store.list(prefix)).map(async ({ key }) => {
    return [key.slice(prefix.length), (await store.read(key))?.body ?? new Uint8Array()] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

/** A request of our own. */
function raw({ options }: RayBench, path: string): Promise<Response> {
  return fetch(options.url + path, { headers: { authorization: `Bearer ${token}` } });
}

async function statusOf(bench: RayBench, job: string): Promise<unknown> {
  return ((await (await raw(bench, `/api/jobs/${job}`)).json()) as { status: unknown }).status;
}

function missing(ref: string): never {
  const message = 'the reference is missing or empty';
  throw new SlipwayError({ code: 'E_SECRET_REF', where: ref, message }, exitCodes.configuration);
}
