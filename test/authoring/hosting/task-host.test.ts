import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packPipeline } from '../../../authoring/loading/index.js';
import type { TaskOrder, TaskReply } from '../../../plan/task-messages.js';

const script = join(import.meta.dirname, '../../../dist/authoring/task-host.js');
const about = { run: 'dev:a:1', stage: 'work', attempt: 1, item: null, key: 'k' };

const head = `import { definePipeline } from 'slipway';
import { z } from 'zod';
type Input = { n: number };
const Output = z.strictObject({ n: z.int(), label: z.string().default('none') });
export default definePipeline('a', {}, (p) => {
  p.task('work', {
    input: { n: 1, extra: 'x' },
    output: Output,
`;
const tail = `
  });
});
`;

let folder: string;
let started: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-host-'));
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

interface Host {
  child: ChildProcess;
  send(order: TaskOrder): void;
  next(): Promise<TaskReply | undefined>;
  errors: string[];
}

/** A host for the pipeline `a` whose only task has these members. */
async function host(members: string, pipeline = 'a', withMap = true): Promise<Host> {
  await writeFile(join(folder, 'p.ts'), head + members + tail);
  const { bytes, map } = await packPipeline(folder, 'p.ts');
  const file = join(folder, 'packed.mjs');
  await writeFile(file, bytes);
  if (withMap) await writeFile(`${file}.map`, map);
  const child = spawn(process.execPath, [script, file, pipeline], { env: {}, stdio: 'pipe' });
  started.push(child);
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  return {
    child,
    errors,
    send: (order) => void child.stdin.write(`${JSON.stringify(order)}\n`),
    next: async () => {
      const { value, done } = await replies.next();
      return done === true ? undefined : (JSON.parse(value) as TaskReply);
    },
  };
}

const order = (id: number, input: Record<string, never> | { n: number } = { n: 2 }): TaskOrder => ({
  id,
  kind: 'run',
  stage: 'work',
  input,
  about,
});

test('a task gets literal and bound input, and its value is completed by its schema', async () => {
  const { send, next } = await host('run: ({ n, extra }) => ({ n: n + extra.length }),');
  expect(await next()).toEqual({ ready: true });
  send(order(1));
  expect(await next()).toEqual({ id: 1, ok: true, value: { n: 3, label: 'none' } });
});

test('what the author prints goes to stderr, never between the answers', async () => {
  const { send, next, errors } = await host(`run: (_, { log, about }) => {
      console.log('printed'); process.stdout.write('written'); log('logged by ' + about.run);
      return { n: 1 };
    },`);
  expect(await next()).toEqual({ ready: true });
  send(order(7));
  expect(await next()).toMatchObject({ id: 7, ok: true });
  await expect.poll(() => errors.join('')).toMatch(/printed\nwrittenlogged by dev:a:1/);
});

test('an exception is answered with its message and the line of the author', async () => {
  const { send, next } = await host(`run: ({ n }) => {
      if (n > 0) throw new RangeError('too\\nlarge ' + 'x'.repeat(5000));
      return { n };
    },`);
  await next();
  send(order(1));
  const answer = await next();
  expect(answer).toMatchObject({ id: 1, ok: false, code: 'E_TASK' });
  expect(JSON.stringify(answer)).toMatch(/task `work` threw RangeError: too large x+… at p\.ts:10:24/);
  expect(JSON.stringify(answer).length).toBeLessThan(2_200);
});

test('without a source map the file of the author is named', async () => {
  const { send, next } = await host("run: () => { throw new Error('no'); },", 'a', false);
  await next();
  send(order(1));
  expect(await next()).toMatchObject({ message: 'task `work` threw Error: no at p.ts' });
});

test('a value that its schema refuses is named by its pointers', async () => {
  const { send, next } = await host("run: () => ({ n: 1.5, label: 3, more: 'x' }) as never,");
  await next();
  send(order(1));
  const answer = await next();
  expect(answer).toMatchObject({ id: 1, ok: false, code: 'E_TASK_OUTPUT' });
  expect(JSON.stringify(answer)).toMatch(/\/n: .*\/label: /);
});

test('tasks run one at a time, in the order of the orders, and a waiting one can be cancelled', async () => {
  const { send, next } = await host(`run: async ({ n }) => {
      const state = globalThis as { busy?: boolean };
      if (state.busy === true) throw new Error('two at a time');
      state.busy = true;
      await new Promise((done) => setTimeout(done, 50));
      state.busy = false;
      return { n };
    },`);
  await next();
  for (const id of [1, 2, 3]) send(order(id, { n: id }));
  send({ id: 2, kind: 'cancel' });
  expect(await next()).toMatchObject({ id: 2, ok: false, code: 'E_TASK' });
  expect(await next()).toMatchObject({ id: 1, ok: true, value: { n: 1 } });
  expect(await next()).toMatchObject({ id: 3, ok: true, value: { n: 3 } });
});

test('cancelling aborts the signal that the function was given', async () => {
  const { send, next } = await host(`run: (_, { signal }) => new Promise((_done, fail) => {
      console.log('waiting');
      signal.addEventListener('abort', () => fail(new Error('stopped tidily')));
    }),`);
  await next();
  send(order(1));
  send({ id: 1, kind: 'cancel' });
  expect(await next()).toMatchObject({
    id: 1,
    ok: false,
    message: expect.stringContaining('stopped tidily') as string,
  });
});

test('a compensation gets what went in and what came out', async () => {
  const { send, next, errors } = await host(`run: () => ({ n: 1 }),
    compensate: ({ input, output }) => console.log('undo ' + JSON.stringify([input, output])),`);
  await next();
  send({ id: 1, kind: 'compensate', stage: 'work', input: { n: 5 }, output: { n: 1, label: 'a' }, about });
  expect(await next()).toEqual({ id: 1, ok: true, value: null });
  await expect.poll(() => errors.join('')).toContain('undo [{"n":5,"extra":"x"},{"n":1,"label":"a"}]');
});

test('an error outside the promise of the function fails the task and ends the process', async () => {
  const { send, next, child } = await host(`run: () => {
      setTimeout(() => { throw new TypeError('stray'); }, 1);
      return new Promise(() => undefined);
    },`);
  await next();
  const ended = new Promise((done) => child.once('exit', done));
  send(order(1));
  expect(await next()).toMatchObject({
    id: 1,
    ok: false,
    message: expect.stringContaining('TypeError: stray at p.ts') as string,
  });
  expect(await ended).toBe(1);
});

test('an unknown stage, a missing compensation and an unknown pipeline are refused', async () => {
  const { send, next } = await host('run: () => ({ n: 1 }),');
  await next();
  send({ ...order(1), stage: 'other' } as TaskOrder);
  expect(await next()).toMatchObject({ id: 1, ok: false, code: 'E_TASK' });
  send({ id: 2, kind: 'compensate', stage: 'work', input: {}, output: null, about });
  expect(await next()).toMatchObject({
    id: 2,
    ok: false,
    message: expect.stringContaining('no compensation') as string,
  });
  const other = await host('run: () => ({ n: 1 }),', 'b');
  expect(await other.next()).toMatchObject({ ready: false, code: 'E_DEF_LOAD' });
  expect(await other.next()).toBeUndefined();
});

test('it ends with its stdin', async () => {
  const { child, next } = await host('run: () => ({ n: 1 }),');
  await next();
  const ended = new Promise((done) => child.once('exit', done));
  child.stdin?.end();
  expect(await ended).toBe(0);
});
