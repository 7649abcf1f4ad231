import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultActivityInfo, MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { runJob } from '../../activities/run-job.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { openProcessTrainer } from '../../adapters/trainer/process/index.js';
import { processTrainerOptions, type ProcessTrainerOptions } from '../../adapters/trainer/process/options.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import { endMarked } from '../../processes/index.js';
import { needs } from '../needs.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { startedByTheDead } from './dead-worker.js';
import { jobSpec } from './job-specs.js';
import { markedProcesses } from './marked-processes.js';
import { storms } from './repetitions.js';

const patience = { timeout: 100_000, interval: 50 };
/** Nobody of this machine, and not the one of another run of these tests. */
const user = 57_000 + (process.pid % 3_000);
const used: string[] = [];

let stack: TestStack;
let folder: string;
let options: ProcessTrainerOptions;

needs('root')('jobs as a user of their own', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-user-'));
    await chmod(folder, 0o711);
    stack = await provideStack(['s3']);
    await stack.python('trainers/launcher/requirements.txt');
    const { credentials } = stack.s3('user/');
    options = processTrainerOptions.parse({
      adapter: 'process',
      directory: join(folder, 'jobs'),
      user,
      store: { endpoint: stack.address('s3'), region: 'us-east-1', credentials },
    });
  });
  afterAll(async () => {
    for (const key of used) await endMarked(key, { graceMs: 0 });
    await rm(folder, { recursive: true, force: true });
  });

  /** A program of the shell, which every user may run. */
  function jobOf(script: string): { spec: JobSpec; key: string } {
    const key = randomBytes(32).toString('hex');
    used.push(key);
    const store = openS3Store(stack.s3(`user/${key}/`), stack.context);
    const places = { outputs: store.uri('jobs/1/'), checkpoints: store.uri('checkpoints/1/') };
    return { key, spec: jobSpec('', places, { command: ['/bin/sh', '-c', script] }) };
  }
  const ownersOf = async (key: string): Promise<number[]> => {
    const facts = (await markedProcesses(key)).map((pid) => stat(`/proc/${pid}`).catch(() => undefined));
    return (await Promise.all(facts)).flatMap((found) => (found === undefined ? [] : [found.uid]));
  };

  test('outlive the worker, are adopted by the next one and store what they made', async () => {
    const go = join(folder, 'go');
    const { spec, key } = jobOf(`
      echo started as $(id -u)
      while ! [ -e ${go} ]; do sleep 0.05; done
      printf weights > "$SM_MODEL_DIR/model.txt"
      echo '{"accuracy": 0.75}' > "$SM_OUTPUT_DATA_DIR/metrics.json"`);
    for (let death = 0; death < 2; death++) await startedByTheDead(options, stack.context, spec, key);
    const trainer = openProcessTrainer(options, stack.context);
    const job = key.slice(0, 32);
    await expect.poll(async () => (await trainer.logs(job)).text, patience).toContain('started');
    expect(await ownersOf(key)).toEqual(expect.arrayContaining([0, user]));
    await writeFile(go, '');
    const next = new MockActivityEnvironment({ ...defaultActivityInfo, attempt: 2 });
    const { manifest }: Awaited<ReturnType<typeof runJob>> = await next.run(() => runJob(trainer, spec, key));
    expect(manifest.metrics).toEqual({ accuracy: 0.75 });
    expect(await readFile(join(folder, 'jobs', job, 'log.txt'), 'utf8')).toBe(`started as ${user}\n`);
  });

  test('end when they are stopped, with all that they started', storms, async () => {
    const { spec, key } = jobOf(`trap '' TERM; (setsid sh -c "trap '' TERM; sleep 600" &); echo running; sleep 600`);
    const trainer = openProcessTrainer(options, stack.context);
    const job = await trainer.start(spec, key);
    await expect.poll(async () => (await trainer.logs(job)).text, patience).toContain('running');
    await trainer.stop(job);
    expect(await markedProcesses(key)).toEqual([]);
  });

  test('may pass through the folder of all jobs, and see nothing of it', async () => {
    const { spec, key } = jobOf(`
      ls "${folder}/jobs" "${folder}/jobs/$PPID" || echo not listed
      cat ../process.json ../spec.json ../state.json || echo not read`);
    const trainer = openProcessTrainer(options, stack.context);
    const job = await trainer.start({ ...spec, expects: [] }, key);
    await expect.poll(async () => (await trainer.poll(job)).phase, patience).toBe('succeeded');
    const { text } = await trainer.logs(job);
    expect(text).toContain('not listed');
    expect(text).toContain('not read');
    expect(text).not.toContain(key);
  });

  test('are refused for a user that this machine does not have', async () => {
    const { spec, key } = jobOf('true');
    const trainer = openProcessTrainer({ ...options, user: 'no-such-user' }, stack.context);
    const job = await trainer.start(spec, key);
    await expect
      .poll(() => trainer.poll(job), patience)
      .toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_ENVIRONMENT', transient: false } });
  });
});
