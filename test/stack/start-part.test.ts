import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { endGroup, freePort, isAlive, type ProcessRecord, readRecord, writeFileAtomic } from '../../processes/index.js';
import { currentContext } from '../../stack/context.js';
import { answers, type Part, type PartContext } from '../../stack/parts/part.js';
import { startPart } from '../../stack/start-part.js';

let root: string;
let context: PartContext;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-part-'));
  context = await currentContext(root, { env: {} });
  context.ports['s3'] = await freePort();
});
afterEach(async () => {
  const record = await readRecord(context.paths.record('s3'));
  if (record !== undefined) await endGroup(record, { graceMs: 0 });
  await rm(root, { recursive: true });
});

/** A real HTTP server in place of a part, started and found as parts are. */
function server(
  script = "require('node:http').createServer((q, r) => r.end('ok')).listen(process.argv[1], '127.0.0.1')",
): Part {
  return {
    name: 's3',
    needs: [],
    after: [],
    ports: { s3: 1 },
    describe: () => ({ address: '' }),
    install: async () => {},
    launch: async ({ ports }) => ({
      command: process.execPath,
      args: ['-e', script, String(ports['s3'])],
      env: {},
    }),
    isReady: async ({ ports }) => answers(`http://127.0.0.1:${ports['s3']}`),
  };
}

async function record(): Promise<ProcessRecord> {
  return (await readRecord(context.paths.record('s3')))!;
}

test('a part that runs is taken over, with the same process', async () => {
  expect(await startPart(server(), context)).toMatchObject({ takenOver: false, seconds: expect.any(Number) });
  const { pid } = await record();
  expect(await startPart(server(), context)).toEqual({ takenOver: true });
  expect((await record()).pid).toBe(pid);
});

test('a part that died is started again', async () => {
  await startPart(server(), context);
  const { pid } = await record();
  process.kill(pid, 'SIGKILL');
  expect(await startPart(server(), context)).toMatchObject({ takenOver: false });
  expect((await record()).pid).not.toBe(pid);
});

test('a record whose pid another program has by now is replaced, and that program left alone', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    await startPart(server(), context);
    const mine = await record();
    await endGroup(mine, { graceMs: 0 });
    await writeFileAtomic(context.paths.record('s3'), JSON.stringify({ ...mine, pid: other.pid, startTime: '1' }));
    expect(await startPart(server(), context)).toMatchObject({ takenOver: false });
    expect(other.exitCode ?? other.signalCode).toBeNull();
  } finally {
    other.kill('SIGKILL');
    await once(other, 'exit');
  }
});

test('a part that hangs is ended and started again', async () => {
  const hanging =
    "require('node:http').createServer(() => {}).listen(process.argv[1], '127.0.0.1'); process.on('SIGTERM', () => {})";
  const part = { ...server(hanging), isReady: async () => true };
  await startPart(part, context);
  const stuck = await record();
  const answer = { ...server(), isReady: async ({ ports }: PartContext) => answers(`http://127.0.0.1:${ports['s3']}`) };
  expect(await startPart(answer, context)).toMatchObject({ takenOver: false });
  expect(isAlive(stuck)).toBe(false);
}, 180_000);

test('a part that ends before it is ready is an error with the last lines of its log', async () => {
  const failing = server("console.log('first'); console.error('cannot open the database'); process.exit(3)");
  await expect(startPart(failing, context)).rejects.toThrow(
    expect.objectContaining({
      code: 'E_STACK_PART',
      exitCode: 69,
      message: expect.stringMatching(
        /s3 ended before it was ready[^]*cannot open the database[^]*stack\/logs\/s3\.log/,
      ),
    }),
  );
});

test('a broken record is replaced', async () => {
  await writeFileAtomic(context.paths.record('s3'), '{"pid":');
  await startPart(server(), context);
  expect(isAlive(await record())).toBe(true);
});
