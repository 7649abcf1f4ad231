import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultActivityInfo, MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { runJob } from '../../activities/run-job.js';
import type { OpenContext } from '../../adapters/open-context.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import type { Store } from '../../adapters/store/port.js';
import { openProcessTrainer } from '../../adapters/trainer/process/index.js';
import { parseHandle } from '../../adapters/trainer/process/machine.js';
import { processTrainerOptions, type ProcessTrainerOptions } from '../../adapters/trainer/process/options.js';
import type { JobSpec, JobState, Trainer } from '../../adapters/trainer/port.js';
import { endMarked, readRecord } from '../../processes/index.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { startedByTheDead } from './dead-worker.js';
import { markedProcesses } from './marked-processes.js';
import { storms } from './repetitions.js';
import { programs } from './trainer-jobs.contract.js';

const patience = { timeout: 100_000, interval: 50 };
const newKey = (): string => randomBytes(32).toString('hex');
const used: string[] = [];

let stack: TestStack;
let store: Store;
let folder: string;
let context: OpenContext;
let options: ProcessTrainerOptions;
let trainer: Trainer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-faults-'));
  stack = await provideStack(['s3']);
  await stack.python('trainers/launcher/requirements.txt');
  const s3 = stack.s3(`faults-${randomBytes(6).toString('hex')}/`);
  context = stack.context;
  store = openS3Store(s3, context);
  options = processTrainerOptions.parse({
    adapter: 'process',
    directory: join(folder, 'jobs'),
    store: { endpoint: stack.address('s3'), region: 'us-east-1', credentials: s3.credentials },
  });
  trainer = openProcessTrainer(options, context);
});
afterAll(async () => {
  for (const key of used) await endMarked(key, { graceMs: 0 });
  await rm(folder, { recursive: true, force: true });
});

function jobOf(program: string, more: Partial<JobSpec> = {}): JobSpec {
  const run = randomBytes(6).toString('hex');
  return {
    command: ['python', '-c', program],
    code: null,
    requirements: null,
    inputs: {},
    hyperparameters: {},
    environment: {},
    secrets: {},
    resources: {},
    outputs: store.uri(`jobs/${run}/`),
    checkpoints: store.uri(`checkpoints/${run}/`),
    expects: ['model', 'metrics'],
    maxMs: 120_000,
    identity: { run: 'dev:iris:1', stage: 'train', attempt: 1 },
    options: {},
    ...more,
  };
}

async function start(spec: JobSpec): Promise<{ key: string; job: string }> {
  const key = newKey();
  used.push(key);
  return { key, job: await trainer.start(spec, key) };
}

async function ended(job: string): Promise<JobState> {
  await expect.poll(async () => (await trainer.poll(job)).phase, patience).not.toBe('running');
  return trainer.poll(job);
}

async function says(job: string, text: string): Promise<void> {
  await expect.poll(async () => (await trainer.logs(job)).text, patience).toContain(text);
}

/** The launcher itself ends just after it has told the end. */
async function noneLeft(key: string): Promise<void> {
  await expect.poll(() => markedProcesses(key), patience).toEqual([]);
}

const launcherOf = async (job: string) =>
  (await readRecord(join(folder, 'jobs', parseHandle(job).job, 'process.json')))!.pid;
const keysBelow = async (uri: string) => (await store.list(store.key(uri))).map(({ key }) => key);

describe('a launcher that is killed alone', () => {
  test(
    'is a lost job within two polls; what it left running is ended before anything else starts',
    storms,
    async () => {
      const spec = jobOf(programs['leaves children']);
      const key = newKey();
      used.push(key);
      let polls = 0;
      const counted: Trainer = { ...trainer, poll: (job) => (polls++, trainer.poll(job)) };
      const environment = new MockActivityEnvironment(defaultActivityInfo);
      const end = environment.run(() => runJob(counted, spec, key)).catch((error: unknown) => error);
      const job = key.slice(0, 32);
      await says(job, 'running');
      process.kill(await launcherOf(job), 'SIGKILL');
      const before = polls;
      expect(await end).toMatchObject({ code: 'E_TRAINER_LOST' });
      expect(polls - before).toBeLessThanOrEqual(2);
      expect(await markedProcesses(key)).toEqual([]);
    },
  );

  test('stays lost for whoever asks later, and is not started again', async () => {
    const { key, job } = await start(jobOf(programs['leaves children']));
    await says(job, 'running');
    process.kill(await launcherOf(job), 'SIGKILL');
    await expect.poll(async () => (await trainer.poll(job)).phase, patience).toBe('lost');
    await trainer.stop(job);
    const state = { phase: 'failed', failure: { code: 'E_TRAINER_LOST', transient: true } };
    expect(await trainer.poll(job)).toMatchObject(state);
    expect(await trainer.start(jobOf(programs['makes a model']), key)).toBe(job);
    expect(await trainer.poll(job)).toMatchObject(state);
  });
});

describe('a worker that dies while its job runs', () => {
  test('leaves it running; the next worker adopts it, and it trains once to its end', storms, async () => {
    const ledger = join(folder, `ledger-${randomBytes(4).toString('hex')}`);
    const go = `${ledger}-go`;
    const program = `${programs['makes a model'].replace(/model\(\)$/, '')}
open(${JSON.stringify(ledger)}, 'a').write('started\\n')
while not os.path.exists(${JSON.stringify(go)}): time.sleep(0.05)
model()`;
    const spec = jobOf(program);
    const key = newKey();
    used.push(key);
    for (let death = 0; death < 3; death++) await startedByTheDead(options, context, spec, key);
    await writeFile(go, '');
    const next = new MockActivityEnvironment({ ...defaultActivityInfo, attempt: 2 });
    const { manifest }: Awaited<ReturnType<typeof runJob>> = await next.run(() =>
      runJob(openProcessTrainer(options, context), spec, key),
    );
    expect(manifest.metrics).toEqual({ accuracy: 0.75 });
    expect(await readFile(ledger, 'utf8')).toBe('started\n');
  });
});

describe('limits of a job', () => {
  test('end it when it hangs: nothing of it runs, and the limit is named', storms, async () => {
    const hangs = `import os, signal; os.kill(os.getpid(), signal.SIGSTOP)`;
    const { key, job } = await start(jobOf(hangs, { options: { noProgressTimeout: '1s' } }));
    const state = await ended(job);
    expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_LIMIT', transient: true } });
    expect(state.phase === 'failed' && state.failure.message).toContain('noProgressTimeout');
    // It ran at least as long as it may hang, and that is paid for.
    expect(state.phase === 'failed' && state.ranMs).toBeGreaterThanOrEqual(1_000);
    await noneLeft(key);
  });

  test('end it when it runs for ever', storms, async () => {
    const { key, job } = await start(jobOf(programs['leaves children'], { maxMs: 2_000 }));
    const state = await ended(job);
    expect(state.phase === 'failed' && state.failure.message).toContain('maxDuration');
    await noneLeft(key);
  });

  test('give it the memory that its stage asks for, and no more', async () => {
    const { job } = await start(jobOf('bytearray(1 << 30)', { resources: { memoryMb: 512 } }));
    const state = await ended(job);
    expect(state.phase === 'failed' && state.failure.message).toContain('MemoryError');
  });

  test('tell its libraries how many cores it has', async () => {
    const { job } = await start(
      jobOf("import os; print('threads', os.environ['OMP_NUM_THREADS'])", { resources: { cpu: 2 } }),
    );
    await says(job, 'threads 2');
  });

  test('refuse what this machine does not have, and start nothing', async () => {
    const refused = start(jobOf('', { resources: { gpu: 64 } }));
    await expect(refused).rejects.toMatchObject({ code: 'E_TRAINER_LIMIT' });
    expect(await trainer.find(used.at(-1)!)).toBe('absent');
  });

  test('refuse options that the trainer does not know, by name', async () => {
    const refused = start(jobOf('', { options: { noProgresTimeout: '1s' } }));
    await expect(refused).rejects.toMatchObject({
      code: 'E_TRAINER_SPEC',
      message: expect.stringContaining('noProgressTimeout') as string,
    });
  });
});

describe('a model that is a pickle', () => {
  const pickled = `import os, pickle, json
pickle.dump({'weights': [1]}, open(os.environ['SM_MODEL_DIR'] + '/model.skops', 'wb'))
json.dump({}, open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w'))`;

  test('is refused by its content, whatever its name, and nothing is stored', async () => {
    const spec = jobOf(pickled);
    const { job } = await start(spec);
    const state = await ended(job);
    expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_MODEL_FORMAT', transient: false } });
    expect((await keysBelow(spec.outputs)).filter((key) => !key.includes('/log/'))).toEqual([]);
  });

  test('is taken where the stage trusts it, and said to be one', async () => {
    const { job } = await start(jobOf(pickled, { options: { trustPickle: true } }));
    expect(await ended(job)).toMatchObject({
      phase: 'succeeded',
      manifest: { formats: { 'model/model.skops': 'pickle' } },
    });
  });
});

describe('outputs in the store', () => {
  test('that were changed or cut later are refused when they are read', async () => {
    const spec = jobOf(programs['makes a model']);
    const state = await ended((await start(spec)).job);
    if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
    const model = state.manifest.files.find(({ path }) => path === 'model/model.txt')!;
    for (const bytes of ['weightz', 'weigh', 'weights!']) {
      const key = store.key(model.uri);
      const { etag } = (await store.read(key))!;
      await store.replace(key, Buffer.from(bytes), etag);
      await expect(store.get(model), bytes).rejects.toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
    }
  });

  test('hold the log of a job that still runs', async () => {
    const spec = jobOf(programs['tells its progress']);
    const { job } = await start(spec);
    await expect.poll(() => keysBelow(spec.outputs), patience).toHaveLength(1);
    const [key] = await keysBelow(spec.outputs);
    expect(key).toMatch(/\/log\/0{12}\.txt$/);
    expect(Buffer.from((await store.read(key!))!.body).toString()).toBe('running\n');
    await trainer.stop(job);
  });
});

test('nothing but what tells about a job is left in its folder', async () => {
  const { job } = await start(jobOf(programs['makes a model']));
  await ended(job);
  const left = await readdir(join(folder, 'jobs', parseHandle(job).job));
  expect(left.sort()).toEqual([
    'launcher.log',
    'lock',
    'log.txt',
    'manifest.json',
    'process.json',
    'spec.json',
    'state.json',
  ]);
});
