import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { OpenContext } from '../../adapters/open-context.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { openHttpTrainer } from '../../adapters/trainer/http/index.js';
import { httpTrainerOptions, type HttpTrainerOptions } from '../../adapters/trainer/http/options.js';
import type { JobSpec, Trainer } from '../../adapters/trainer/port.js';
import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { startGateway, type TestGateway } from '../gateway/gateway-fixture.js';
import { openProcessTrainer } from '../../adapters/trainer/process/index.js';
import { processTrainerOptions } from '../../adapters/trainer/process/options.js';
import { packed } from '../trainers/job-fixture.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { endMarkedOf, startTrainerServer, type TrainerServer } from './http-server-fixture.js';
import { markedProcesses } from './marked-processes.js';
import { type Behaviour, describeTrainer } from './trainer.contract.js';
import { countedJobs, jobSpec, programs } from './job-specs.js';
import { describeTrainerJobs, programs as jobPrograms } from './trainer-jobs.contract.js';

const trainers = resolve(import.meta.dirname, '../../trainers');
let stack: TestStack;
let folder: string;
let server: TrainerServer;
let gateway: TestGateway;
let options: HttpTrainerOptions;
let context: OpenContext;
const token = randomBytes(24).toString('hex');
const planted = randomBytes(24).toString('hex');

const key = (): string => randomBytes(32).toString('hex');
const jobOf = (program: string, more: Partial<JobSpec> = {}): JobSpec =>
  jobSpec(
    program,
    {
      outputs: `file://${folder}/outputs/${randomBytes(6).toString('hex')}/`,
      checkpoints: `file://${folder}/checkpoints/${randomBytes(6).toString('hex')}/`,
    },
    more,
  );
const callbackOf = () => ({
  origin: `http://127.0.0.1:${gateway.port}`,
  key: `whsec_${gateway.keys[0]!.toString('base64')}`,
});
const missing = (ref: string): never => {
  throw new SlipwayError(
    { code: 'E_SECRET_REF', where: ref, message: 'the reference is missing or empty' },
    exitCodes.configuration,
  );
};
const folderOf = (job: string): string => join(server.directory, job.slice(0, 32));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-http-trainer-'));
  stack = await provideStack(['s3']);
  gateway = await startGateway();
  server = await startTrainerServer({ stack, folder, token, callback: callbackOf() });
  const secrets: Record<string, string> = { 'env:TRAINER_TOKEN': token, 'env:PLANTED': planted };
  context = { root: stack.root, secret: (ref) => secrets[ref] ?? missing(ref) };
  options = httpTrainerOptions.parse({
    adapter: 'http',
    url: server.url,
    token: 'env:TRAINER_TOKEN',
    networks: ['127.0.0.1/32'],
  });
});
afterAll(async () => {
  await server.close();
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

/** The service compares: the same key must come with the same job, outputs and all. */
const sameJob = (program: string, name: string): JobSpec => {
  const at = (what: string) => `file://${folder}/${what}/${name.replaceAll(' ', '-')}/`;
  return jobOf(program, { outputs: at('outputs'), checkpoints: at('checkpoints') });
};
const harness = (trainer: Trainer) => ({
  trainer,
  job: (behaviour: Behaviour) => sameJob(programs[behaviour], behaviour),
  counted: countedJobs(folder, (program) => sameJob(program, 'counted')),
  crash: (job: string) => endMarkedOf(folderOf(job)),
});
describeTrainer('http', () => Promise.resolve(harness(openHttpTrainer(options, context))));

describeTrainer('http that pushes', () => {
  const callback = { url: `http://127.0.0.1:${gateway.port}`, keys: ['env:TRAINER_KEY'] };
  const pushing = openHttpTrainer({ ...options, callback }, context, gateway.inbox);
  // What was pushed is known a moment later than what is asked.
  const trainer: Trainer = {
    ...pushing,
    poll: async (job) => {
      const asked = await openHttpTrainer(options, context).poll(job);
      await expect.poll(async () => (await pushing.poll(job)).phase, { timeout: 100_000 }).toBe(asked.phase);
      return pushing.poll(job);
    },
  };
  return Promise.resolve(harness(trainer));
});

describeTrainerJobs('http', () => {
  const outputsOf = ({ outputs }: JobSpec) => fileURLToPath(outputs);
  const textsBelow = async (at: string) => {
    const entries = await readdir(at, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
    return Object.fromEntries(
      await Promise.all(files.map(async (file) => [relative(at, file), await readFile(file)] as const)),
    );
  };
  return Promise.resolve({
    trainer: openHttpTrainer(options, context),
    job: (behaviour, more) => jobOf(jobPrograms[behaviour], more),
    secret: { ref: 'env:PLANTED', value: planted },
    stored: (spec) => textsBelow(outputsOf(spec)),
    alive: async (jobKey) => (await markedProcesses(jobKey)).length,
    kept: async (job) => Object.values(await textsBelow(folderOf(job))).join('\n'),
  });
});

describe('trainer http', () => {
  test('finds its jobs again after the service was killed, and starts none twice', async () => {
    const trainer = openHttpTrainer(options, context);
    const jobKey = key();
    const spec = jobOf(programs.runs);
    const job = await trainer.start(spec, jobKey);
    const record = await readFile(join(folderOf(job), 'process.json'), 'utf8');
    await server.stop('SIGKILL');
    await expect(trainer.find(jobKey)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    server = await startTrainerServer({
      stack,
      folder,
      token,
      port: Number(new URL(server.url).port),
      callback: callbackOf(),
    });
    expect(await trainer.find(jobKey)).toEqual({ job });
    expect(await trainer.start(spec, jobKey)).toBe(job);
    expect(await readFile(join(folderOf(job), 'process.json'), 'utf8')).toBe(record);
    expect(await trainer.poll(job)).toMatchObject({ phase: 'running' });
    await trainer.stop(job);
  });

  test('keeps token and secrets from files, output and other people', async () => {
    const trainer = openHttpTrainer(options, context);
    const dump = "import os; print('running', dict(os.environ))";
    const job = await trainer.start(jobOf(dump, { expects: [] }), key());
    await expect.poll(async () => (await trainer.poll(job)).phase, { timeout: 100_000 }).toBe('succeeded');
    expect((await stat(folderOf(job))).mode & 0o777).toBe(0o700);
    for (const entry of await readdir(folderOf(job), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
      expect(text).not.toContain(token);
      expect(text).not.toContain(stack.context.secret('env:AWS_SECRET_ACCESS_KEY'));
    }
  });

  test('runs the very job that a local process runs, train.py, code and inputs unchanged', async () => {
    const prefix = `trainer-http-${randomBytes(6).toString('hex')}/`;
    const store = openS3Store(stack.s3(prefix), stack.context);
    const lock = join(trainers, 'iris/requirements.txt');
    await stack.python('trainers/iris/requirements.txt');
    const data = await store.put('iris.csv', await readFile(join(trainers, 'iris/data/iris.csv')));
    const common = {
      command: ['python', '-m', 'iris.train'],
      code: await store.put('iris.tar', await packed(join(trainers, 'iris/iris'))),
      requirements: createHash('sha256')
        .update(await readFile(lock))
        .update('3.11')
        .digest('hex'),
      inputs: { train: [{ path: 'train.csv', ...data }] },
      hyperparameters: { epochs: 50 },
    };
    const run = async (trainer: Trainer, name: string) => {
      const outputs = store.uri(`${name}/jobs/`);
      const checkpoints = store.uri(`${name}/checkpoints/`);
      const job = await trainer.start(jobOf('', { ...common, outputs, checkpoints }), key());
      await expect.poll(async () => (await trainer.poll(job)).phase, { timeout: 100_000 }).not.toBe('running');
      const state = await trainer.poll(job);
      if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
      const model = state.manifest.files.find(({ path }) => path === 'model/model.json');
      expect(await store.get(model!)).toHaveLength(model!.bytes);
      return { paths: state.manifest.files.map(({ path }) => path), model: model!.sha256, of: state.manifest.metrics };
    };
    const { credentials } = stack.s3(prefix);
    const local = openProcessTrainer(
      processTrainerOptions.parse({
        adapter: 'process',
        directory: join(folder, 'local'),
        store: { endpoint: stack.address('s3'), region: 'us-east-1', credentials },
      }),
      stack.context,
    );
    const here = await run(local, 'process');
    expect(await run(openHttpTrainer(options, context), 'http')).toEqual(here);
  });
});
