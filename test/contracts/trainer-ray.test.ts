import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openRayTrainer } from '../../adapters/trainer/ray/index.js';
import { zip } from '../../adapters/trainer/ray/zip.js';
import { baseEnvironment } from '../../processes/index.js';
import { provideStack } from '../stack-fixture.js';
import { packed } from '../trainers/job-fixture.js';
import { programs } from './job-specs.js';
import { RayStandIn, type StandInOptions } from './ray/stand-in.js';
import { testSameAsLocal } from './ray/same-as-local.js';
import { describeRay, newKey, rayBench, type RayBench, sealing, testListing, token } from './ray/suite.js';

const iris = resolve(import.meta.dirname, '../../trainers/iris/iris');
let nodes: StandInOptions;
let folder: string;
let cluster: RayStandIn;
let bench: RayBench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-ray-'));
  const stack = await provideStack(['s3']);
  const python = await stack.python('trainers/ray/node-requirements.txt');
  const env = { ...baseEnvironment(), SLIPWAY_SEALING_KEY: sealing };
  nodes = { folder, python, env, token };
  cluster = await new RayStandIn(nodes).listen();
  bench = rayBench(stack, folder, cluster.url, python);
});
afterAll(async () => {
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

describeRay(
  () => bench,
  (job) => Promise.resolve(cluster.packageOf(job)),
);

describe('trainer ray', () => {
  testSameAsLocal(() => bench);
  testListing(() => bench);

  const running = async (job: string) => {
    await expect.poll(async () => (await bench.trainer.logs(job)).text, { timeout: 100_000 }).toContain('running');
  };
  const ended = async (job: string) => {
    await expect.poll(async () => (await bench.trainer.poll(job)).phase, { timeout: 100_000 }).not.toBe('running');
    return bench.trainer.poll(job);
  };

  test('finds the job again whose submission lost its answer, and submits it once', async () => {
    const jobKey = newKey();
    cluster.losing = 1;
    await expect(bench.trainer.start(bench.job(programs.runs), jobKey)).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
    });
    const before = cluster.jobs.size;
    const job = `slipway-${jobKey}`;
    expect(await bench.trainer.find(jobKey)).toEqual({ job });
    expect(await bench.trainer.start(bench.job(programs.runs), jobKey)).toBe(job);
    expect(cluster.jobs.size).toBe(before);
    await bench.trainer.stop(job);
  });

  test('is unavailable while the cluster is down; what a restarted one does not know is lost, not failed', async () => {
    const jobKey = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), jobKey);
    await running(job);
    await cluster.close();
    await expect(bench.trainer.poll(job)).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    await expect(bench.trainer.stop(job)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    cluster = await new RayStandIn({ ...nodes, port: Number(new URL(bench.options.url).port) }).listen();
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'lost' });
    expect(await bench.trainer.find(jobKey)).toBe('absent');
    await bench.trainer.stop(job);
  });

  test('waits for room, and a stop that comes meanwhile holds', async () => {
    cluster.full = true;
    const job = await bench.trainer.start(bench.job(programs.succeeds), newKey());
    expect(await bench.trainer.poll(job)).toEqual({ phase: 'running', note: 'pending', progress: null });
    const stopped = bench.trainer.stop(job);
    await expect.poll(() => cluster.jobs.get(job)?.stopping).toBe(true);
    await cluster.makeRoom();
    await stopped;
    expect(await bench.trainer.poll(job)).toMatchObject({
      phase: 'failed',
      failure: { code: 'E_TRAINER_CANCELLED' },
    });
  });

  test('submits nothing that must stay secret', async () => {
    const job = await bench.trainer.start(bench.job(programs.runs, { secrets: { TOKEN: 'env:PLANTED' } }), newKey());
    const submitted = JSON.stringify(cluster.jobs.get(job)?.submission) + cluster.packageOf(job);
    const { secret } = bench.context;
    expect(submitted).toContain('slipway_launcher');
    for (const ref of ['env:PLANTED', 'env:SEALING', 'env:RAY_TOKEN', 'env:AWS_SECRET_ACCESS_KEY'])
      expect(submitted).not.toContain(secret(ref));
    await bench.trainer.stop(job);
  });

  test('says what is wrong with a node that cannot open the secrets', async () => {
    const other = {
      ...bench.context,
      secret: (ref: string) => (ref === 'env:SEALING' ? 'x'.repeat(32) : bench.context.secret(ref)),
    };
    const job = await openRayTrainer(bench.options, other, bench.store).start(bench.job(programs.succeeds), newKey());
    const state = await ended(job);
    expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_ENVIRONMENT', transient: false } });
    expect(state.phase === 'failed' && state.failure.message).toContain('SLIPWAY_SEALING_KEY');
  });

  test('makes the locked environment of jobs on the node, of several at once one, or says why it cannot', async () => {
    const wheel = zip(
      new Map([
        ['tiny.py', Buffer.from('answer = 42\n')],
        ['tiny-1.0.dist-info/METADATA', Buffer.from('Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n')],
        ['tiny-1.0.dist-info/WHEEL', Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
        ['tiny-1.0.dist-info/RECORD', Buffer.from('')],
      ]),
    );
    const file = join(folder, 'tiny-1.0-py3-none-any.whl');
    await writeFile(file, wheel);
    const start = async (hash: string) => {
      const lock = Buffer.from(`tiny @ file://${file} --hash=sha256:${hash}\n`);
      const code = await bench.store.put(`${hash}.tar`, await packed(iris, { 'requirements.txt': lock }));
      const requirements = createHash('sha256').update(lock).update('3.11').digest('hex');
      const program = "import sys, tiny; print('answer', tiny.answer, sys.prefix)";
      const job = bench.job(program, { code, requirements, expects: [] });
      return { id: await bench.trainer.start(job, newKey()), place: join(folder, 'python', requirements.slice(0, 16)) };
    };
    const right = createHash('sha256').update(wheel).digest('hex');
    for (const { id, place } of await Promise.all([start(right), start(right)])) {
      expect(await ended(id)).toMatchObject({ phase: 'succeeded' });
      expect((await bench.trainer.logs(id)).text).toBe(`answer 42 ${place}\n`);
    }
    const message = expect.stringMatching(/could not be made[^]*do not match the hashes/i) as string;
    const failure = { code: 'E_TRAINER_ENVIRONMENT', transient: false, message };
    expect(await ended((await start('0'.repeat(64))).id)).toMatchObject({ phase: 'failed', failure });
  });

  test('says that the package of a job cannot be unpacked, and that trying again may help', async () => {
    cluster.full = true;
    const job = await bench.trainer.start(bench.job(programs.succeeds), newKey());
    cluster.packages.clear();
    await cluster.makeRoom();
    expect(await ended(job)).toMatchObject({
      phase: 'failed',
      failure: { code: 'E_TRAINER_ENVIRONMENT', transient: true },
    });
  });
});
