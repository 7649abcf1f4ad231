import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { openProcessTrainer } from '../../../adapters/trainer/process/index.js';
import { machineOf, parseHandle } from '../../../adapters/trainer/process/machine.js';
import { processTrainerOptions } from '../../../adapters/trainer/process/options.js';
import type { Trainer } from '../../../adapters/trainer/port.js';
import { endGroup, isAlive, type ProcessRecord, startDetached } from '../../../processes/index.js';

let folder: string;
let record: ProcessRecord;
let handle: string;
let there: Trainer;
let here: Trainer;
const key = randomBytes(32).toString('hex');

const trainerOf = (machine: string): Trainer =>
  openProcessTrainer(
    processTrainerOptions.parse({
      adapter: 'process',
      directory: join(folder, machine),
      store: { endpoint: 'http://127.0.0.1:9', region: 'us-east-1' },
    }),
    { root: folder, secret: () => '' },
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-machines-'));
  const at = join(folder, 'there', key.slice(0, 32));
  record = await startDetached({
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
    env: {},
    cwd: folder,
    marker: key,
    logFile: join(at, 'launcher.log'),
    recordFile: join(at, 'process.json'),
  });
  there = trainerOf('there');
  here = trainerOf('here');
  const found = await there.find(key);
  if (typeof found === 'string') throw new Error(found);
  handle = found.job;
});
afterEach(async () => {
  await endGroup(record, { graceMs: 0 });
  await rm(folder, { recursive: true, force: true });
});

test('a job of another machine is never lost here: only a worker there can tell of it and stop it', async () => {
  const { host, id } = await machineOf(join(folder, 'there'));
  const refusal = {
    code: 'E_UNAVAILABLE',
    exitCode: 75,
    message: expect.stringMatching(`belongs to machine ${host} .*${id}[^]*Start a worker on ${host}`) as string,
  };
  await expect(here.poll(handle)).rejects.toMatchObject(refusal);
  await expect(here.stop(handle)).rejects.toMatchObject(refusal);
  await expect(here.logs(handle)).rejects.toMatchObject(refusal);
  expect(isAlive(record)).toBe(true);
  // Another process of the same machine, such as a container that came back.
  expect(await trainerOf('there').poll(handle)).toMatchObject({ phase: 'running' });
  await trainerOf('there').stop(handle);
  expect(isAlive(record)).toBe(false);
});

test('a handle of the first release, which names no machine, is one of this machine', async () => {
  const { job } = parseHandle(handle);
  expect(job).toBe(key.slice(0, 32));
  expect(await there.poll(job)).toMatchObject({ phase: 'running' });
  expect(await here.poll(job)).toMatchObject({ phase: 'lost' });
});

test('workers that begin at once agree which machine it is, and leave nothing else', async () => {
  const directory = join(folder, 'new');
  const all = await Promise.all(Array.from({ length: 8 }, () => machineOf(directory)));
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  expect(await readdir(directory)).toEqual(['machine.json']);
});

test('a machine file that says nothing is refused, not replaced', async () => {
  await writeFile(join(folder, 'there', 'machine.json'), '{}');
  await expect(there.poll(handle)).rejects.toMatchObject({ code: 'E_TRAINER_ENVIRONMENT', exitCode: 78 });
});
