import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launcherRequirements } from '../../adapters/job-launcher/spec.js';
import { baseEnvironment, runToEnd } from '../../processes/index.js';
import { readS3Credentials } from '../../stack/parts/s3.js';
import { median, timed } from '../engine/statistics.js';
import type { BenchWorld } from '../engine/world.js';
import { atLeast, pair, type Row, upTo } from '../rows.js';

const rounds = 3;
const megabyte = 1_048_576;

/**
 * The rate at which a job's outputs are stored, against the SDK's `upload_file`, and what the worker's memory grows by
 * meanwhile. A run whose job copies the file to where nobody takes it from is taken off: what is left is storing.
 */
export async function outputs(world: BenchWorld, megabytes: number): Promise<Row[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-outputs-'));
  const file = path.join(folder, 'blob.bin');
  const found = { bare: [] as number[], slipway: [] as number[] };
  let growth = 0;
  try {
    await fill(file, megabytes);
    await world.run('copy-job', { file, store: false });
    for (let round = 0; round < rounds; round++) {
      found.bare.push(megabytes / (await plainUpload(world, file)));
      const idle = await timed(() => world.run('copy-job', { file, store: false }));
      const before = process.memoryUsage.rss();
      const watch = setInterval(() => (growth = Math.max(growth, process.memoryUsage.rss() - before)), 50);
      const whole = await timed(() => world.run('copy-job', { file, store: true }));
      clearInterval(watch);
      found.slipway.push((megabytes * 1_000) / (whole - idle));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return [
    atLeast('outputs', 'MB/s', pair(median(found.bare), median(found.slipway)), 0.7),
    upTo('outputsMemory', 'MB', growth / megabyte, 150),
  ];
}

async function fill(file: string, megabytes: number): Promise<void> {
  const handle = await open(file, 'w');
  for (let i = 0; i < megabytes; i++) await handle.write(randomBytes(megabyte));
  await handle.close();
}

/** Seconds. */
async function plainUpload({ root, store }: BenchWorld, file: string): Promise<number> {
  const python = path.join(root, '.slipway/python', (await launcherRequirements()).slice(0, 16), 'bin/python');
  const credentials = await readS3Credentials(path.join(root, '.slipway/stack/s3-credentials.json'));
  const { endpoint, bucket } = store.access();
  const script = path.resolve(import.meta.dirname, '../../../bench/jobs/plain_upload.py');
  const { output, problem, said } = await runToEnd(python, [script, file, endpoint, bucket, `bench/${randomUUID()}`], {
    env: {
      ...baseEnvironment(),
      AWS_ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
    },
    input: '',
    signal: AbortSignal.timeout(600_000),
    mostBytes: 1_000,
  });
  if (problem !== undefined) throw new Error(`the plain upload ${problem}: ${said}`);
  return Number(output.toString());
}
