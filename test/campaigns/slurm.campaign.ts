import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type RealSlurm, startSlurm } from '../contracts/slurm/real.js';
import { needs } from '../needs.js';
import { programs } from '../contracts/job-specs.js';
import { describeSlurm, nameOf, newKey, openBench, type SlurmBench } from '../contracts/slurm/suite.js';

needs('root', 'slurm')('on a real Slurm', () => {
  let folder: string;
  let slurm: RealSlurm;
  let bench: SlurmBench;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-slurm-real-'));
    slurm = await startSlurm(folder);
    bench = await openBench(slurm, folder);
  });
  afterAll(async () => {
    await slurm.close();
    await rm(folder, { recursive: true, force: true });
  });

  describeSlurm(
    'slurm',
    () => bench,
    (id) => slurm.crash(id),
  );

  test('goes on with a job after the controller was killed, and starts none twice', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    await bench.running(job);
    await slurm.killController(nameOf(job));
    await expect(bench.trainer.poll(job)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    await slurm.startController();
    expect(await bench.trainer.find(key)).toEqual({ job });
    expect(await bench.trainer.start(bench.job(programs.runs), key)).toBe(job);
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'running' });
    expect(await slurm.jobs(nameOf(job))).toHaveLength(1);
    await bench.trainer.stop(job);
  });

  test('tells that somebody else cancelled a job', async () => {
    const job = await bench.trainer.start(bench.job(programs.runs), newKey());
    await bench.running(job);
    const [submitted] = await slurm.jobs(nameOf(job));
    await slurm.cancel(submitted?.id ?? '');
    const message = expect.stringContaining('somebody else') as string;
    await expect
      .poll(() => bench.trainer.poll(job), { timeout: 100_000 })
      .toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED', message } });
  });

  test('tells what Slurm refuses, in its words', async () => {
    const spec = bench.job('', { options: { partition: 'nowhere' } });
    await expect(bench.trainer.start(spec, newKey())).rejects.toMatchObject({
      code: 'E_TRAINER_SPEC',
      message: expect.stringContaining('invalid partition') as string,
    });
  });

  test('waits for what no node has, until it is stopped', async () => {
    const job = await bench.trainer.start(bench.job('', { resources: { cpu: 900 } }), newKey());
    const note = expect.stringContaining('PENDING') as string;
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'running', note });
    await bench.trainer.stop(job);
    expect(await bench.trainer.poll(job)).toMatchObject({ failure: { code: 'E_TRAINER_CANCELLED' } });
  });
});
