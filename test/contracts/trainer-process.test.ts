import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { OpenContext } from '../../adapters/open-context.js';
import { openProcessTrainer } from '../../adapters/trainer/process/index.js';
import { parseHandle } from '../../adapters/trainer/process/machine.js';
import { processTrainerOptions, type ProcessTrainerOptions } from '../../adapters/trainer/process/options.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import { references } from '../../config/references.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { endGroup, isAlive, readRecord, startDetached } from '../../processes/index.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { describeTrainer } from './trainer.contract.js';
import { countedJobs, jobSpec, programs } from './job-specs.js';
import { describeTrainerJobs, programs as jobPrograms } from './trainer-jobs.contract.js';
import { markedProcesses } from './marked-processes.js';

let stack: TestStack;
let folder: string;
let context: OpenContext;
let options: ProcessTrainerOptions;
const secret = randomBytes(12).toString('hex');

const jobOf = (program: string, more: Partial<JobSpec> = {}): JobSpec =>
  jobSpec(
    program,
    {
      outputs: `file://${folder}/outputs/${randomBytes(6).toString('hex')}/`,
      checkpoints: `file://${folder}/checkpoints/${randomBytes(6).toString('hex')}/`,
    },
    more,
  );
const lookUpSecret = (ref: string): string =>
  ref === 'env:PLANTED' ? secret : stack.context.secret(ref) || references(folder, {}).secret(ref);
const key = (): string => randomBytes(32).toString('hex');
const folderOf = (job: string) => join(folder, 'jobs', parseHandle(job).job);
const recordOf = async (job: string) => (await readRecord(join(folderOf(job), 'process.json')))!;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-trainer-'));
  stack = await provideStack(['s3']);
  await stack.python('trainers/launcher/requirements.txt');
  context = { root: stack.root, secret: lookUpSecret };
  options = processTrainerOptions.parse({
    adapter: 'process',
    directory: join(folder, 'jobs'),
    store: {
      endpoint: stack.address('s3'),
      region: 'us-east-1',
      credentials: { accessKeyId: 'env:PLANTED', secretAccessKey: 'env:PLANTED' },
    },
  });
});
afterAll(async () => {
  for (const job of await readdir(join(folder, 'jobs')).catch(() => [])) {
    const record = await readRecord(join(folder, 'jobs', job, 'process.json'));
    if (record !== undefined) await endGroup(record, { graceMs: 0 });
  }
  await rm(folder, { recursive: true, force: true });
});

describeTrainer('process', () =>
  Promise.resolve({
    trainer: openProcessTrainer(options, context),
    job: (behaviour) => jobOf(programs[behaviour]),
    counted: countedJobs(folder, jobOf),
    crash: async (job) => endGroup(await recordOf(job), { graceMs: 0 }),
  }),
);

describeTrainerJobs('process', () => {
  const folderOf = ({ outputs }: JobSpec) => fileURLToPath(outputs);
  return Promise.resolve({
    trainer: openProcessTrainer(options, context),
    job: (behaviour, more) => jobOf(jobPrograms[behaviour], more),
    secret: { ref: 'env:PLANTED', value: secret },
    stored: async (spec) => {
      const entries = await readdir(folderOf(spec), { recursive: true, withFileTypes: true }).catch(() => []);
      const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
      const contents = files.map(async (f) => [relative(folderOf(spec), f), await readFile(f)] as const);
      return Object.fromEntries(await Promise.all(contents));
    },
    alive: async (jobKey) => (await markedProcesses(jobKey)).length,
    kept: async (job) => {
      const files = ['spec.json', 'process.json', 'state.json', 'log.txt', 'launcher.log', 'manifest.json'];
      const texts = files.map((f) => readFile(join(folder, 'jobs', parseHandle(job).job, f), 'utf8').catch(() => ''));
      return (await Promise.all(texts)).join('\n');
    },
  });
});

describe('trainer process', () => {
  const running = async (job: string): Promise<void> => {
    const logs = async () => (await openProcessTrainer(options, context).logs(job)).text;
    await expect.poll(logs, { timeout: 100_000, interval: 50 }).toContain('running');
  };

  test('lists the jobs of an environment, with how to end each, and knows which have ended', async () => {
    const trainer = openProcessTrainer(options, context, 'dev');
    const identity = { run: 'dev:listed:1', stage: 'train', attempt: 2 };
    const owner = { environment: 'dev', run: identity.run };
    const listed = () => trainer.list?.(owner);
    const job = await trainer.start(jobOf(programs.runs, { identity }), key());
    await running(job);
    const { pid } = await recordOf(job);
    const endWith = `kill -TERM -- -${pid}`;
    expect(await listed()).toEqual([{ job, environment: 'dev', ...identity, ended: false, endWith }]);
    expect(await trainer.list?.({ ...owner, environment: 'prod' })).toEqual([]);
    await trainer.stop(job);
    expect(await listed()).toMatchObject([{ job, ended: true }]);
  });

  test('reads inputs from the store and writes outputs to it, digests and all', async () => {
    const prefix = `trainer-${randomBytes(6).toString('hex')}/`;
    const store = openS3Store(stack.s3(prefix), stack.context);
    const input = await store.put('train.jsonl', Buffer.from('{"text":"hello"}\n'));
    const { credentials } = stack.s3(prefix);
    const trainer = openProcessTrainer({ ...options, store: { ...options.store!, credentials } }, context);
    const program =
      "import os, shutil; shutil.copy(os.environ['SM_CHANNEL_TRAIN'] + '/train.jsonl', os.environ['SM_MODEL_DIR'])";
    const inputs = { train: [{ path: 'train.jsonl', ...input }] };
    const job = await trainer.start(
      jobOf(program, { inputs, outputs: store.uri('jobs/1/'), expects: ['model'] }),
      key(),
    );
    await expect.poll(async () => (await trainer.poll(job)).phase, { timeout: 100_000 }).not.toBe('running');
    const state = await trainer.poll(job);
    if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
    const [model] = state.manifest.files;
    expect(Buffer.from(await store.get(model!)).toString()).toBe('{"text":"hello"}\n');
  });

  test('gives word of each step of a job, also to a process that did not start it', async () => {
    const job = await openProcessTrainer(options, context).start(jobOf(programs.runs), key());
    const trainer = openProcessTrainer(options, context);
    const listening = new AbortController();
    await running(job);
    const told = trainer.changed!(job, listening.signal);
    await writeFile(join(folderOf(job), 'state.json'), JSON.stringify({ format: 1, phase: 'uploading' }));
    await told;
    const nothing = trainer.changed!(job, listening.signal);
    listening.abort();
    await nothing;
    await trainer.stop(job);
  });

  test('goes on with a job after a restart of the process that started it', async () => {
    const jobKey = key();
    const job = await openProcessTrainer(options, context).start(jobOf(programs.runs), jobKey);
    const restarted = openProcessTrainer(options, context);
    expect(await restarted.find(jobKey)).toEqual({ job });
    expect(await restarted.start(jobOf(programs.runs), jobKey)).toBe(job);
    expect(isAlive(await recordOf(job))).toBe(true);
    await restarted.stop(job);
    expect(isAlive(await recordOf(job))).toBe(false);
  });

  test('ends a launcher whose start was cut off before it was recorded', async () => {
    const jobKey = key();
    const at = join(folder, 'jobs', jobKey.slice(0, 32));
    const lost = await startDetached({
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      env: {},
      cwd: folder,
      marker: jobKey,
      logFile: join(at, 'launcher.log'),
      recordFile: join(folder, 'lost.json'),
    });
    await writeFile(join(at, 'spec.json'), '{}');
    // Its last word, which must not be taken for that of the launcher after it.
    const failure = { code: 'E_TRAINER_CANCELLED', message: 'the job was stopped by SIGTERM' };
    await writeFile(join(at, 'state.json'), JSON.stringify({ format: 1, phase: 'failed', failure }));
    const trainer = openProcessTrainer(options, context);
    // Who asks, to start it again or to stop it, may believe that nothing runs.
    expect(await trainer.find(jobKey)).toBe('absent');
    expect(isAlive(lost)).toBe(false);
    const job = await trainer.start(jobOf(programs.runs), jobKey);
    expect((await trainer.poll(job)).phase).toBe('running');
    await running(job);
    await trainer.stop(job);
  });

  test('keeps the scratch folder and the credentials of the store from others', async () => {
    const trainer = openProcessTrainer(options, context);
    const dump = "import os; print('running', dict(os.environ))";
    const job = await trainer.start(jobOf(dump, { expects: [] }), key());
    await running(job);
    const at = folderOf(job);
    expect((await stat(at)).mode & 0o777).toBe(0o700);
    await expect.poll(async () => (await trainer.poll(job)).phase, { timeout: 100_000 }).toBe('succeeded');
    for (const file of ['spec.json', 'process.json', 'log.txt', 'launcher.log', 'state.json'])
      expect(await readFile(join(at, file), 'utf8')).not.toContain(secret);
  });

  test('says what to run when a Python environment is missing, and starts nothing', async () => {
    const jobKey = key();
    const trainer = openProcessTrainer(options, context);
    await expect(trainer.start(jobOf('', { requirements: 'f'.repeat(64) }), jobKey)).rejects.toMatchObject({
      code: 'E_TRAINER_ENVIRONMENT',
      exitCode: 78,
      message: expect.stringContaining('slipway up') as string,
    });
    expect(await trainer.find(jobKey)).toBe('absent');
  });

  test.each(['../../etc', '', 'g'.repeat(32)])('takes %j for no job', async (job) => {
    await expect(openProcessTrainer(options, context).poll(job)).rejects.toMatchObject({ code: 'E_TRAINER_JOB' });
  });

  test('refuses a state file that its launcher cannot have written', async () => {
    const trainer = openProcessTrainer(options, context);
    const job = await trainer.start(jobOf(programs.runs), key());
    await running(job);
    await trainer.stop(job);
    const file = join(folderOf(job), 'state.json');
    for (const text of [
      '{',
      '{"phase":"done"}',
      JSON.stringify({
        phase: 'succeeded',
        manifest: { format: 1, key: key(), files: [], metrics: null, formats: {} },
      }),
    ]) {
      await writeFile(file, text);
      await expect(trainer.poll(job)).rejects.toMatchObject({ code: 'E_TRAINER_PROTOCOL' });
    }
  });
});
