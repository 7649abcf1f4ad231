import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { openAgentRouter } from '../../adapters/router/agent/index.js';
import { baseEnvironment, freePort } from '../../processes/index.js';
import { routeTo } from './agent-fixture.js';
import { startEnvoy, startServer, type TestEnvoy, type TestServer } from './envoy-fixture.js';

const main = resolve(import.meta.dirname, '../../dist/agents/router/main.js');
const limit = { timeout: 100_000, interval: 50 };
let envoy: TestEnvoy;
let server: TestServer;
let port: number;
const started: ChildProcess[] = [];

beforeAll(async () => {
  envoy = await startEnvoy();
  server = await startServer('iris', 'a');
  port = await freePort();
}, 120_000);
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await server.stop();
  await envoy.stop();
});

function start(...args: string[]): { child: ChildProcess; errors: () => string } {
  const child = spawn(process.execPath, [main, ...args], {
    env: baseEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push(child);
  let errors = '';
  child.stderr?.on('data', (text) => (errors += String(text)));
  return { child, errors: () => errors };
}
const ours = () => ['--directory', envoy.directory, '--admin', envoy.admin, '--port', String(port)];
const healthy = async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok;

test('an agent serves until it is told to end, ends with 0, and finds its routes again', async () => {
  const { child } = start(...ours());
  await vi.waitUntil(healthy, limit);
  const router = openAgentRouter({ adapter: 'agent', url: `http://127.0.0.1:${port}`, listener: envoy.listener });
  await router.apply(routeTo(server.endpoint, null, 0, 3));
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  start(...ours());
  await vi.waitUntil(healthy, limit);
  expect(await router.read('iris')).toMatchObject({ epoch: 3, champion: server.endpoint });
});

test('a second agent of the same folder refuses to start', async () => {
  await vi.waitUntil(healthy, limit);
  const { child, errors } = start(
    '--directory',
    envoy.directory,
    '--admin',
    envoy.admin,
    '--port',
    String(await freePort()),
  );
  expect(await once(child, 'exit')).toEqual([78, null]);
  expect(errors()).toContain('another router agent owns this folder');
});

test.each([
  [[]],
  [['--directory', '/tmp', '--admin', 'nonsense', '--port', '1']],
  [['--directory', '/tmp', '--admin', 'http://127.0.0.1:1', '--port', 'x']],
])('arguments %j are refused with the usage', async (args) => {
  const { child, errors } = start(...args);
  expect(await once(child, 'exit')).toEqual([2, null]);
  expect(errors()).toContain('usage:');
});
