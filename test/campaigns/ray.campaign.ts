import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { endMarked } from '../../processes/index.js';
import { provideStack } from '../stack-fixture.js';
import { programs } from '../contracts/job-specs.js';
import { type RealRay, startRealRay } from '../contracts/ray/real.js';
import { testSameAsLocal } from '../contracts/ray/same-as-local.js';
import { describeRay, newKey, rayBench, type RayBench, testListing } from '../contracts/ray/suite.js';

/** Ray has 100 MB and starts slowly. */
describe('a real Ray of one node', () => {
  let folder: string;
  let ray: RealRay | undefined;
  let bench: RayBench;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-ray-'));
    const stack = await provideStack(['s3']);
    const python = await stack.python('test/contracts/ray/requirements.txt');
    ray = await startRealRay(python);
    bench = rayBench(stack, folder, ray.url, 'python');
  }, 1_200_000);
  afterAll(async () => {
    await ray?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describeRay(
    () => bench,
    () => ray!.workingDirectories(),
  );

  testSameAsLocal(() => bench);
  testListing(() => bench);

  test('listens on loopback alone, for whoever reaches a Ray may run anything there', async () => {
    const found = await ray!.listeningAt();
    expect(found).toContainEqual({ address: 'loopback', port: Number(new URL(ray!.url).port) });
    expect(found.filter(({ address }) => address !== 'loopback')).toEqual([]);
  });

  test('a cluster that is down is unavailable; after its restart a job that it no longer knows is lost', async () => {
    const { trainer } = bench;
    const key = newKey();
    const job = await trainer.start(bench.job(programs.runs), key);
    await expect.poll(async () => (await trainer.logs(job)).text, { timeout: 100_000 }).toContain('running');
    await ray!.kill();
    await expect(trainer.poll(job)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    await expect(trainer.find(key)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    await ray!.start();
    expect(await trainer.poll(job)).toMatchObject({ phase: 'lost' });
    expect(await trainer.find(key)).toBe('absent');
    await endMarked(key, { graceMs: 0 });
  }, 1_200_000);
});
