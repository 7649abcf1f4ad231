import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openS3Store } from '../../adapters/store/s3/index.js';
import type { Store } from '../../adapters/store/port.js';
import { openProcessTrainer } from '../../adapters/trainer/process/index.js';
import { processTrainerOptions } from '../../adapters/trainer/process/options.js';
import type { JobSpec, Trainer } from '../../adapters/trainer/port.js';
import { provideStack } from '../stack-fixture.js';

const patience = { timeout: 100_000, interval: 50 };
let folder: string;
let store: Store;
let trainer: Trainer;
let executable: { bytes: Buffer; language: 'C' | 'JavaScript' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-compiled-'));
  const stack = await provideStack(['s3']);
  await stack.python('trainers/launcher/requirements.txt');
  const s3 = stack.s3(`compiled-${randomBytes(6).toString('hex')}/`);
  store = openS3Store(s3, stack.context);
  const reach = { endpoint: stack.address('s3'), region: 'us-east-1', credentials: s3.credentials };
  const options = processTrainerOptions.parse({ adapter: 'process', directory: join(folder, 'jobs'), store: reach });
  trainer = openProcessTrainer(options, stack.context);
  executable = await build();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program of one file: compiled where there is a compiler, else a script of another interpreter than Python. */
async function build(): Promise<typeof executable> {
  const target = join(folder, 'trainer');
  try {
    execFileSync('cc', ['-O1', '-Wall', '-Werror', '-o', target, resolve(import.meta.dirname, 'centroids.c')]);
    return { bytes: await readFile(target), language: 'C' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const script = await readFile(resolve(import.meta.dirname, 'centroids.mjs'));
    return { bytes: Buffer.concat([Buffer.from(`#!${process.execPath}\n`), script]), language: 'JavaScript' };
  }
}

async function codeOf(program: Buffer): Promise<NonNullable<JobSpec['code']>> {
  const archive = pack();
  // Node takes a file without an ending for CommonJS; this one it takes for what it is.
  archive.entry({ name: 'trainer.mjs', mode: 0o755 }, program);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(Buffer.from(chunk as Uint8Array));
  return store.put(`code/${randomBytes(8).toString('hex')}.tar`, Buffer.concat(chunks));
}

const rows = 'length,width,label\n1,2,small\n3,4,small\n10,20,large\n';

async function spec(hyperparameters: JobSpec['hyperparameters']): Promise<JobSpec> {
  const run = randomBytes(6).toString('hex');
  return {
    command: ['./trainer.mjs'],
    code: await codeOf(executable.bytes),
    requirements: null,
    inputs: { train: [{ path: 'train.csv', ...(await store.put(`data/${run}.csv`, Buffer.from(rows))) }] },
    hyperparameters,
    environment: {},
    secrets: {},
    resources: { cpu: 1, memoryMb: 2048 },
    outputs: store.uri(`jobs/${run}/`),
    checkpoints: store.uri(`checkpoints/${run}/`),
    expects: ['model', 'metrics'],
    maxMs: 60_000,
    identity: { run: 'dev:compiled:1', stage: 'train', attempt: 1 },
    options: {},
  };
}

async function ended(job: string) {
  await expect.poll(async () => (await trainer.poll(job)).phase, patience).not.toBe('running');
  return trainer.poll(job);
}

test('a compiled trainer, without Python, keeps the whole contract', async ({ annotate }) => {
  await annotate(`the trainer is written in ${executable.language}`);
  const job = await trainer.start(await spec({ scale: 2 }), randomBytes(32).toString('hex'));
  const state = await ended(job);
  if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
  expect(state.manifest).toMatchObject({
    metrics: { labels: 2, columns: 2 },
    formats: { 'model/model.centroids': 'json' },
  });
  const model = state.manifest.files.find(({ path }) => path === 'model/model.centroids');
  expect(JSON.parse(Buffer.from(await store.get(model!)).toString())).toEqual({ small: [4, 6], large: [20, 40] });
  expect((await trainer.logs(job)).text).toContain('trained on 2 labels');
});

test('its exit code tells a wrong configuration from a failure that may pass', async () => {
  const state = await ended(await trainer.start(await spec({}), randomBytes(32).toString('hex')));
  expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_REFUSED', transient: false } });
  expect(state.phase === 'failed' && state.failure.message).toContain('--scale is missing');
});
