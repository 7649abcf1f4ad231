import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { endGroup, isAlive, memoryOf, type ProcessRecord, readRecord, startDetached } from '../../processes/index.js';

let folder: string;
const started: ProcessRecord[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-processes-'));
});
afterEach(async () => {
  for (const record of started.splice(0)) await endGroup(record, { graceMs: 0 });
  await rm(folder, { recursive: true });
});

async function startScript(script: string, env: Record<string, string> = {}): Promise<ProcessRecord> {
  const record = await startDetached({
    command: process.execPath,
    args: ['-e', script],
    env,
    cwd: folder,
    logFile: join(folder, 'log'),
    recordFile: join(folder, 'record.json'),
    marker: `test:${folder}`,
    facts: { port: 1 },
  });
  started.push(record);
  return record;
}

async function log(): Promise<string> {
  return readFile(join(folder, 'log'), 'utf8').catch(() => '');
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The condition did not come true within 120 s.');
    await delay(20);
  }
}

function exists(pid: number): boolean {
  try {
    return !/\) Z /.test(execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8', stdio: 'pipe' }));
  } catch {
    return false;
  }
}

test('a started process is recorded, alive, and sees exactly the environment given to it and its marker', async () => {
  const record = await startScript('console.log(JSON.stringify(process.env)); setInterval(() => {}, 1000)', {
    ONLY: 'this',
  });
  await until(async () => (await log()).includes('\n'));
  expect(JSON.parse(await log())).toEqual({ ONLY: 'this', SLIPWAY_MARKER: `test:${folder}` });
  expect(await readRecord(join(folder, 'record.json'))).toEqual(record);
  expect(record.facts).toEqual({ port: 1 });
  expect(isAlive(record)).toBe(true);
  expect((await stat(join(folder, 'log'))).mode & 0o777).toBe(0o600);
});

test('ending a process twice does no harm, and it is dead after the first time', async () => {
  const record = await startScript('setInterval(() => {}, 1000)');
  await endGroup(record);
  expect(isAlive(record)).toBe(false);
  expect(exists(record.pid)).toBe(false);
  await endGroup(record);
});

test('a process that ignores SIGTERM is killed after the grace', async () => {
  const record = await startScript(
    'process.on("SIGTERM", () => console.log("no")); console.log("up"); setInterval(() => {}, 1000)',
  );
  await until(async () => (await log()).includes('up'));
  await endGroup(record, { graceMs: 200 });
  expect(await log()).toContain('no');
  expect(isAlive(record)).toBe(false);
});

test('a process is asked to end once only, so that it can finish its work', async () => {
  const record = await startScript(
    'process.on("SIGTERM", () => { console.log("asked"); setTimeout(() => process.exit(0), 300) }); console.log("up"); setInterval(() => {}, 1000)',
  );
  await until(async () => (await log()).includes('up'));
  await endGroup(record);
  expect((await log()).match(/asked/g)).toHaveLength(1);
});

test('children end with their parent, also those that left its session and those whose parent has died', async () => {
  const child = '["-e", "setInterval(() => {}, 1000)"]';
  const record = await startScript(`
    const { spawn } = require('node:child_process');
    const same = spawn(process.execPath, ${child}, { stdio: 'ignore' });
    const left = spawn(process.execPath, ${child}, { stdio: 'ignore', detached: true });
    console.log(JSON.stringify([same.pid, left.pid]));
    process.exit(0)`);
  await until(async () => (await log()).includes(']') && !isAlive(record));
  const pids = JSON.parse(await log()) as number[];
  expect(pids.map(exists)).toEqual([true, true]);
  expect(memoryOf(record).processes).toBe(2);
  await endGroup(record);
  expect(pids.map(exists)).toEqual([false, false]);
});

test('a record whose pid belongs to another process now is dead, and ending it leaves the other process alone', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
  try {
    const record = await startScript('0');
    const reused = { ...record, pid: other.pid!, startTime: '1' };
    expect(isAlive(reused)).toBe(false);
    await endGroup(reused, { graceMs: 0 });
    expect(exists(other.pid!)).toBe(true);
  } finally {
    other.kill('SIGKILL');
  }
});

test('a record from before a restart of the machine is dead', async () => {
  const record = await startScript('setInterval(() => {}, 1000)');
  const earlier = { ...record, bootId: 'another' };
  expect(isAlive(earlier)).toBe(false);
  await endGroup(earlier, { graceMs: 0 });
  expect(isAlive(record)).toBe(true);
});

test('memory is measured over the whole tree', async () => {
  const record = await startScript(
    'require("node:child_process").spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1000)"], { stdio: "inherit" }); setInterval(() => {}, 1000)',
  );
  await until(async () => (await log()).includes('1'));
  const memory = memoryOf(record);
  expect(memory.processes).toBe(2);
  expect(memory.pssBytes).toBeGreaterThan(5e6);
});

test('a command that does not exist is an error that names it, and leaves no record', async () => {
  const start = startDetached({
    command: '/nowhere/at-all',
    args: [],
    env: {},
    cwd: folder,
    logFile: join(folder, 'log'),
    recordFile: join(folder, 'record.json'),
    marker: 'test',
  });
  await expect(start).rejects.toThrow(/nowhere\/at-all/);
  expect(await readRecord(join(folder, 'record.json'))).toBeUndefined();
});

test('a record that cannot be kept is an error, and the process does not stay', async () => {
  await writeFile(join(folder, 'file'), '');
  const start = startDetached({
    command: process.execPath,
    args: ['-e', 'console.log(process.pid); setInterval(() => {}, 1000)'],
    env: {},
    cwd: folder,
    logFile: join(folder, 'log'),
    recordFile: join(folder, 'file', 'record.json'),
    marker: `test:${folder}`,
  });
  await expect(start).rejects.toThrow(/ENOTDIR|EEXIST/);
  const pid = Number(await log());
  expect(pid === 0 || !exists(pid)).toBe(true);
});

test.each(['', '{', '{"pid":1}', '[]', 'null'])('a file that holds %j is no record', async (text) => {
  await writeFile(join(folder, 'record.json'), text);
  expect(await readRecord(join(folder, 'record.json'))).toBeUndefined();
});
