import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { openProcessTasks } from '../../../adapters/task-runner/process/index.js';
import { type ProcessTasksOptions, processTasksOptions } from '../../../adapters/task-runner/process/options.js';
import type { TaskRunner, TaskWork } from '../../../adapters/task-runner/port.js';
import type { Json } from '../../../plan/json.js';
import { keys } from '../../../plan/names.js';
import { type FakeStore, fakeStore } from '../../../testing/fakes/store.js';
import { describeTaskRunner, type ContractStage } from '../../contracts/task-runner.contract.js';
import { pack } from './packed-file.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const patience = { timeout: 60_000, interval: 50 };

let root: string;
let store: FakeStore;
let runners: TaskRunner[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-tasks-'));
  store = fakeStore();
  runners = [];
});
afterEach(async () => {
  await Promise.all(runners.map((r) => r.close()));
  await rm(root, { recursive: true, force: true });
});

function open(options: Partial<ProcessTasksOptions> = {}): TaskRunner {
  const all = processTasksOptions.parse({ adapter: 'process', ...options });
  const runner = openProcessTasks(all, { root, secret: () => '' }, store);
  runners.push(runner);
  return runner;
}
const work = (code: TaskWork['code'], stage: string, facts: Partial<TaskWork> = {}): TaskWork => ({
  code,
  pipeline: 'tasks',
  stage,
  kind: 'run',
  input: {},
  about: { run: 'dev:tasks:1', stage, attempt: 1, item: null, key: 'k1' },
  limitMs: 60_000,
  ...facts,
});
const alive = (pid: Json): boolean => existsSync(`/proc/${String(pid)}/stat`);
const pidTask = 'run: async () => process.pid';

const contract: Record<ContractStage, string> = {
  double: 'run: async ({ x }) => x * 2',
  who: 'run: async (_, { about }) => about',
  throws: "run: async () => { throw new Error('no luck'); }",
  polite: "run: (_, { signal }) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason)))",
  deaf: 'run: () => new Promise(() => setInterval(() => {}, 1_000))',
  saves: `run: async () => 1,
    compensate: async ({ input, output }) => { if (input.x !== 7 || output !== 1) throw new Error('not that'); }`,
};
describeTaskRunner('process', async () => {
  const all = processTasksOptions.parse({ adapter: 'process' });
  const own = fakeStore();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-tasks-'));
  const runner = openProcessTasks(all, { root: folder, secret: () => '' }, own);
  return { runner, code: await pack(own, contract) };
});

describe('a process of author code', () => {
  test('is warm: the file is loaded once for many tasks', async () => {
    const code = await pack(
      store,
      { loads: 'run: async () => [process.pid, globalThis.loads]' },
      'globalThis.loads = (globalThis.loads ?? 0) + 1;',
    );
    const runner = open();
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await runner.run(work(code, 'loads')));
    expect(new Set(answers.map(String)).size).toBe(1);
    expect(answers[0]).toEqual([expect.any(Number), 1]);
  });

  test('does one task at a time; others get processes of their own, up to the limit', async () => {
    const code = await pack(store, {
      slow: 'run: () => new Promise((done) => setTimeout(() => done(process.pid), 300))',
    });
    const runner = open({ processesPerFile: 2 });
    const pids = await Promise.all(Array.from({ length: 5 }, () => runner.run(work(code, 'slow'))));
    expect(new Set(pids).size).toBe(2);
  });

  test('gives its place to another file when all places are taken, the least recently used first', async () => {
    const codes = await Promise.all(['1', '2', '3'].map((n) => pack(store, { pid: pidTask }, `// ${n}`)));
    const runner = open({ processes: 2 });
    const [a, b] = [await runner.run(work(codes[0]!, 'pid')), await runner.run(work(codes[1]!, 'pid'))];
    expect(await runner.run(work(codes[0]!, 'pid'))).toBe(a);
    await runner.run(work(codes[2]!, 'pid'));
    await vi.waitUntil(() => !alive(b!), patience);
    expect(alive(a!)).toBe(true);
  });

  test('ends when it has had no work for a while', async () => {
    const code = await pack(store, { pid: pidTask });
    const pid = await open({ idleSeconds: 1 }).run(work(code, 'pid'));
    await vi.waitUntil(() => !alive(pid), patience);
  });

  test('ends with its runner, and leaves no folder behind', async () => {
    const code = await pack(store, { pid: pidTask });
    const runner = open();
    const pid = await runner.run(work(code, 'pid'));
    await runner.close();
    expect(alive(pid)).toBe(false);
    expect(await readdir(join(root, '.slipway/tasks'))).toEqual(['code']);
  });

  test('sees nothing of the environment that is not on the list, and works in a folder of its own', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a secret of the worker');
    vi.stubEnv('NODE_OPTIONS', '--no-deprecation');
    const code = await pack(store, {
      env: 'run: async () => ({ names: Object.keys(process.env), cwd: process.cwd() })',
    });
    const said = (await open().run(work(code, 'env'))) as { names: string[]; cwd: string };
    vi.unstubAllEnvs();
    const allowed =
      /^(PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|USER|SSL_CERT_FILE|SLIPWAY_MARKER|((http|https|no|all)_proxy))$/i;
    expect(said.names.filter((n) => !allowed.test(n))).toEqual([]);
    expect(said.cwd).toContain(join(root, '.slipway/tasks/process-'));
  });
});

describe('author code that', () => {
  const next = 'run: async () => 1';
  /** The code of a refusal; afterwards the same runner does the next task. */
  async function refusal(run: string, options: Partial<ProcessTasksOptions> = {}, limitMs = 60_000): Promise<Error> {
    const code = await pack(store, { bad: run, next });
    const runner = open({ processesPerFile: 1, ...options });
    const error = await runner.run(work(code, 'bad', { limitMs })).catch((e: unknown) => e as Error);
    expect(await runner.run(work(code, 'next'))).toBe(1);
    return error as Error;
  }

  test('blocks the event loop is ended after its time limit', async () => {
    const error = await refusal('run: () => { for (;;) {} }', {}, 500);
    expect(error).toMatchObject({ code: 'E_TASK_LIMIT' });
  });

  test('ends its process is a crash, with the last it printed', async () => {
    const error = await refusal("run: () => { console.log('going'); process.exit(3); }");
    expect(error).toMatchObject({ code: 'E_TASK_CRASH' });
    expect(error.message).toContain('exit code 3');
    expect(error.message).toContain('going');
  });

  test('is killed is a crash, with the signal', async () => {
    const error = await refusal("run: () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); }");
    expect(error).toMatchObject({ code: 'E_TASK_CRASH' });
    expect(error.message).toContain('SIGKILL');
  });

  test.each([
    ['its heap', 'run: () => { const all = []; for (;;) all.push(new Array(1_000_000).fill(all.length)); }'],
    [
      'buffers',
      'run: async () => { const all = []; for (;;) { all.push(Buffer.alloc(16e6, 1)); await new Promise((r) => setTimeout(r, 5)); } }',
    ],
  ])('fills %s is ended, and told how much it may hold', async (_, run) => {
    const error = await refusal(run, { memoryMb: 64 });
    expect(error).toMatchObject({ code: 'E_TASK_CRASH' });
    expect(error.message).toContain('more memory than its 64 MiB');
  });

  test('writes to the descriptor of the answers is a crash', async () => {
    const error = await refusal("run: async () => { (await import('node:fs')).writeSync(1, 'hello\\n'); return 1; }");
    expect(error).toMatchObject({ code: 'E_TASK_CRASH' });
    expect(error.message).toContain('hello');
  });

  test('starts processes leaves none behind when it is ended', async () => {
    const file = join(root, 'pid');
    const start = `const { spawn } = await import('node:child_process'); const { writeFileSync } = await import('node:fs');
      const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }); writeFileSync(${JSON.stringify(file)}, String(child.pid));`;
    await refusal(`run: async () => { ${start} for (;;) {} }`, {}, 1_500);
    const pid = await readFile(file, 'utf8');
    await vi.waitUntil(() => !alive(pid), patience);
  });
});

describe('a packed file that', () => {
  test('throws while it is loaded is refused, each time and for all who wait', async () => {
    const code = await pack(store, { next: 'run: async () => 1' }, "throw new Error('bad import');");
    const runner = open();
    const all = await Promise.allSettled([1, 2, 3].map(() => runner.run(work(code, 'next'))));
    for (const one of all) expect(one).toMatchObject({ reason: { code: 'E_DEF_LOAD' } });
  });

  test('is not the one of its digest is refused, also when it was changed on this machine', async () => {
    const code = await pack(store, { next: 'run: async () => 1' });
    const kept = join(root, '.slipway/tasks/code', `${code.sha256}.mjs`);
    expect(await open().run(work(code, 'next'))).toBe(1);
    await writeFile(kept, 'throw new Error("changed")');
    expect(await open().run(work(code, 'next'))).toBe(1);
    await store.put(keys.bundle(code.sha256), new TextEncoder().encode('changed'));
    await rm(kept);
    await expect(open().run(work(code, 'next'))).rejects.toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
  });
});

test('a machine without descriptors is said to be one, and it may be tried again', async () => {
  const main = join(import.meta.dirname, 'out-of-descriptors.mjs');
  const child = spawn('prlimit', ['--nofile=400', process.execPath, main, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((done) => child.once('close', done));
  expect(said).toContain('E_UNAVAILABLE');
  expect(said).toContain('EMFILE');
});

test('processes end with a worker that was killed, though their tasks block', async () => {
  const file = join(root, 'pid');
  const block = `run: async () => { (await import('node:fs')).writeFileSync(${JSON.stringify(file)}, String(process.pid)); for (;;) {} }`;
  const code = await pack(store, { block });
  await writeFile(join(root, 'code.mjs'), store.objects.get(keys.bundle(code.sha256))!.body);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'one-task.mjs'), root, JSON.stringify(code)], {
    stdio: 'inherit',
  });
  await vi.waitUntil(() => existsSync(file), patience);
  const pid = await readFile(file, 'utf8');
  expect(alive(pid)).toBe(true);
  child.kill('SIGKILL');
  await vi.waitUntil(() => !alive(pid), patience);
});
