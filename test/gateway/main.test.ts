import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { baseEnvironment } from '../../processes/index.js';
import { news, newKey, send, signed } from './gateway-fixture.js';

const main = resolve(import.meta.dirname, '../../dist/cli/main.js');
const key = randomBytes(32);
let root: string;
let child: ChildProcess;
let port: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-gateway-'));
  await writeFile(
    join(root, 'slipway.config.ts'),
    `import { defineConfig, httpTrainer, localStack, s3 } from 'slipway/config';
const callback = { url: 'http://127.0.0.1:1', keys: ['env:CALLBACK_KEY'] };
export default defineConfig({
  defaultEnvironment: 'dev',
  gateway: { port: 0 },
  environments: {
    dev: {
      ...localStack(),
      store: s3({ endpoint: 'http://127.0.0.1:9', bucket: 'slipway' }),
      trainers: { push: httpTrainer({ url: 'https://trainer.example', callback }) },
    },
  },
});
`,
  );
  child = spawn(process.execPath, [main, 'gateway', '--root', root], {
    env: { ...baseEnvironment(), CALLBACK_KEY: `whsec_${key.toString('base64')}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  port = await listening(child);
}, 120_000);
afterAll(async () => {
  child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

async function listening(of: ChildProcess): Promise<number> {
  const [line] = (await once(of.stdout!, 'data')) as [Buffer];
  const told = JSON.parse(String(line)) as { event: string; address: string; callbacks: string[] };
  expect(told).toMatchObject({ event: 'listening', callbacks: ['/callbacks/dev/push'] });
  return Number(new URL(told.address).port);
}

test('slipway gateway serves this machine until it is told to end, and ends with 0', async () => {
  expect(await send(port, { method: 'GET', path: '/healthz' })).toMatchObject({ status: 200 });
  const body = news(newKey());
  expect((await send(port, { body, headers: signed(body, randomBytes(32)) })).status).toBe(401);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);
