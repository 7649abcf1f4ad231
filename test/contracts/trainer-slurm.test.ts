import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openSlurmTrainer } from '../../adapters/trainer/slurm/index.js';
import type { JobState } from '../../adapters/trainer/port.js';
import { startStandIn, type StandIn } from './slurm/stand-in.js';
import { programs } from './job-specs.js';
import { describeSlurm, nameOf, newKey, openBench, type SlurmBench } from './slurm/suite.js';

const patience = { timeout: 100_000, interval: 50 };
let folder: string;
let slurm: StandIn;
let bench: SlurmBench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-slurm-'));
  slurm = await startStandIn(folder);
  bench = await openBench(slurm, folder);
});
afterAll(async () => {
  await slurm.close();
  await rm(folder, { recursive: true, force: true });
});

describeSlurm(
  'slurm',
  () => bench,
  (id) => slurm.end(id, 'FAILED', 'crash'),
);

const ended = async (job: string): Promise<JobState> => {
  await expect.poll(async () => (await bench.trainer.poll(job)).phase, patience).not.toBe('running');
  return bench.trainer.poll(job);
};
/** While `work` goes on, the cluster suffers this. */
const during = async (trouble: Parameters<StandIn['set']>[0], work: () => Promise<void>): Promise<void> => {
  await slurm.set(trouble);
  try {
    await work();
  } finally {
    await slurm.unset(trouble);
  }
};

describe('trainer slurm', () => {
  test('finds a job whose submission was never answered, and submits no second one', async () => {
    const key = newKey();
    const spec = bench.job(programs.succeeds);
    await slurm.set('lose-answer');
    await expect(bench.trainer.start(spec, key)).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      message: expect.stringContaining('Socket timed out') as string,
    });
    const found = await bench.trainer.find(key);
    if (typeof found === 'string') throw new Error(found);
    expect(await bench.trainer.start(spec, key)).toBe(found.job);
    expect(await ended(found.job)).toMatchObject({ phase: 'succeeded' });
    expect(await slurm.jobs(nameOf(found.job))).toHaveLength(1);
  });

  test('runs a job once, also when Slurm was made to take it twice', async () => {
    const key = newKey();
    const append = `${programs.succeeds}\nopen('${folder}/runs-of-${key}', 'a').write('x')`;
    const job = await bench.trainer.start(bench.job(append), key);
    await slurm.submitAgain(nameOf(job), bench.folderOf(job));
    const states = async () => (await slurm.jobs(nameOf(job))).map(({ state }) => state);
    await expect.poll(states, patience).toEqual(['COMPLETED', 'COMPLETED']);
    expect(await ended(job)).toMatchObject({ phase: 'succeeded' });
    expect(await readFile(join(folder, `runs-of-${key}`), 'utf8')).toBe('x');
  });

  test('tells why a job waits; a waiting job that is stopped never begins, and its secrets are gone', async () => {
    await during('hold', async () => {
      const spec = bench.job(programs.runs, { secrets: { TOKEN: bench.secret.ref } });
      const job = await bench.trainer.start(spec, newKey());
      const waits = { phase: 'running', note: expect.stringContaining('PENDING (Resources)') as string };
      await expect.poll(() => bench.trainer.poll(job), patience).toMatchObject(waits);
      await bench.trainer.stop(job);
      expect(await bench.trainer.poll(job)).toMatchObject({ failure: { code: 'E_TRAINER_CANCELLED' } });
      await expect(stat(join(bench.folderOf(job), 'secrets'))).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  test.each([
    ['NODE_FAIL', 'crash', 'E_TRAINER_LOST', true, 'node failed'],
    ['PREEMPTED', 'term', 'E_TRAINER_LOST', true, 'preempted'],
    ['TIMEOUT', 'term', 'E_TRAINER_LIMIT', false, 'timeout'],
    ['OUT_OF_MEMORY', 'memory', 'E_TRAINER_LIMIT', false, 'resources.memory'],
    ['CANCELLED', 'term', 'E_TRAINER_CANCELLED', false, 'somebody else'],
  ] as const)('tells of a job that Slurm ended: %s', async (state, how, code, transient, words) => {
    const job = await bench.trainer.start(bench.job(programs.runs), newKey());
    await bench.running(job);
    const [submitted] = await slurm.jobs(nameOf(job));
    await slurm.end(submitted?.id ?? '', state, how);
    const message = expect.stringContaining(words) as string;
    expect(await ended(job)).toMatchObject({ phase: 'failed', failure: { code, transient, message } });
  });

  test('asks the accounting about a job that Slurm has forgotten, where there is one', async () => {
    const job = await bench.trainer.start(bench.job(programs.runs), newKey());
    await bench.running(job);
    const [submitted] = await slurm.jobs(nameOf(job));
    await slurm.end(submitted?.id ?? '', 'NODE_FAIL', 'crash');
    await during('forget', async () => {
      expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'lost' });
      await during('accounting', async () => {
        const state = await bench.trainer.poll(job);
        expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_LOST', transient: true } });
      });
    });
  });

  test('says nothing about jobs while the controller is away, and goes on with them after', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    await during('down', async () => {
      const away = { code: 'E_UNAVAILABLE', message: expect.stringContaining('slurm controller') as string };
      await expect(bench.trainer.poll(job)).rejects.toMatchObject(away);
      await expect(bench.trainer.find(newKey())).rejects.toMatchObject(away);
      await expect(bench.trainer.start(bench.job(programs.runs), newKey())).rejects.toMatchObject(away);
    });
    expect(await bench.trainer.find(key)).toEqual({ job });
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'running' });
    await bench.trainer.stop(job);
  });

  test('asks for what the stage needs, and shows the command the devices that it got', async () => {
    const resources = { cpu: 2.5, memoryMb: 512, gpu: 2 };
    const program = "import os; print('devices', os.environ.get('CUDA_VISIBLE_DEVICES'))";
    const options = { partition: 'gpu', qos: 'high' };
    const identity = { run: "dev:it's $(touch x)", stage: 'train', attempt: 2 };
    const job = await bench.trainer.start(
      bench.job(program, { resources, options, identity, expects: [], maxMs: 90_000 }),
      newKey(),
    );
    expect(await ended(job)).toMatchObject({ phase: 'succeeded' });
    expect((await bench.trainer.logs(job)).text).toContain('devices 0,1');
    const [submitted] = await slurm.jobs(nameOf(job));
    const said = await slurm.submitted(submitted?.id ?? '');
    for (const part of [
      '"cpus-per-task":"3"',
      '"mem":"512M"',
      '"gres":"gpu:2"',
      '"time":"12"',
      '"partition":"gpu"',
      '"qos":"high"',
      `"comment":"slipway run dev:it's $(touch x) stage train attempt 2"`,
    ])
      expect(said).toContain(part);
  });

  test('keeps secrets from Slurm, from other people and from what is left behind', async () => {
    const spec = bench.job("import os; print('length', len(os.environ['TOKEN']))", {
      secrets: { TOKEN: bench.secret.ref },
      expects: [],
    });
    const job = await bench.trainer.start(spec, newKey());
    expect(await ended(job)).toMatchObject({ phase: 'succeeded' });
    expect((await bench.trainer.logs(job)).text).toContain(`length ${bench.secret.value.length}`);
    const [submitted] = await slurm.jobs(nameOf(job));
    expect(await slurm.submitted(submitted?.id ?? '')).not.toContain(bench.secret.value.slice(0, 24));
    expect((await stat(bench.folderOf(job))).mode & 0o777).toBe(0o700);
    expect((await stat(join(bench.folderOf(job), 'spec.json'))).mode & 0o777).toBe(0o600);
    await expect(stat(join(bench.folderOf(job), 'secrets'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    [{ options: { partition: 'nowhere' } }, 'E_TRAINER_SPEC', 'Invalid partition name'],
    [{ options: { account: 'nobody' } }, 'E_TRAINER_ACCESS', 'Invalid account'],
    [{ resources: { cpu: 1000 } }, 'E_TRAINER_SPEC', 'node configuration'],
    [{ options: { partitions: 'cpu' } }, 'E_TRAINER_SPEC', 'partition, account'],
    [{ requirements: 'f'.repeat(64) }, 'E_TRAINER_ENVIRONMENT', 'ffffffffffffffff'],
  ])('says why a job is refused, and starts nothing: %j', async (more, code, words) => {
    const key = newKey();
    const message = expect.stringContaining(words) as string;
    await expect(bench.trainer.start(bench.job('', more), key)).rejects.toMatchObject({ code, message });
    expect(await bench.trainer.find(key)).toBe('absent');
  });

  test.each([
    [['false'], 'E_UNAVAILABLE', 'exit code 1'],
    [['sh', '-c', 'echo "ada@login: Permission denied (publickey)." >&2; exit 255', 'ssh'], 'E_TRAINER_ACCESS', 'ada'],
    [['no-such-program-here'], 'E_TRAINER_ENVIRONMENT', 'ENOENT'],
    [['sh', '-c', 'sleep 600', 'slow'], 'E_UNAVAILABLE', 'did not answer'],
    [['sh', '-c', 'head -c 100 | sh', 'cut'], 'E_UNAVAILABLE', 'cut'],
  ])('tells what is wrong with the way to the login host: %j', async (command, code, words) => {
    const trainer = openSlurmTrainer({ ...bench.options, command, timeout: '5s' }, bench.context);
    const message = expect.stringContaining(words) as string;
    await expect(trainer.find(newKey())).rejects.toMatchObject({ code, message });
  });

  test.each(['../../etc', '', 'g'.repeat(32), '$(id)'])('takes %j for no job', async (job) => {
    await expect(bench.trainer.poll(job)).rejects.toMatchObject({ code: 'E_TRAINER_JOB' });
  });
});
