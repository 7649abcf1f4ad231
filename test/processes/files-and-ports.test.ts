import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { baseEnvironment, freePort, writeFileAtomic } from '../../processes/index.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-files-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test('a file is written whole, with its folders and its mode, and no draft stays', async () => {
  const file = join(folder, 'a', 'b.json');
  await Promise.all(Array.from({ length: 20 }, (_, n) => writeFileAtomic(file, String(n).repeat(50_000), 0o600)));
  const text = await readFile(file, 'utf8');
  expect(text).toBe(String(Number(text.slice(0, text.length / 50_000))).repeat(50_000));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'a'))).toEqual(['b.json']);
});

test('a preferred port is taken when it is free, and another one when it is not', async () => {
  const free = await freePort();
  expect(await freePort(free)).toBe(free);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(free, '127.0.0.1', resolve));
  try {
    const other = await freePort(free);
    expect(other).not.toBe(free);
    expect(other).toBeGreaterThan(0);
  } finally {
    server.close();
  }
});

test('the environment for children holds what they need, and neither secrets nor PYTHONDONTWRITEBYTECODE', () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('PYTHONDONTWRITEBYTECODE', '1');
  vi.stubEnv('TZ', 'Europe/Berlin');
  const environment = baseEnvironment();
  expect(environment).toMatchObject({ TZ: 'Europe/Berlin', PATH: process.env['PATH'] });
  expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['AWS_SECRET_ACCESS_KEY']));
  expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['PYTHONDONTWRITEBYTECODE']));
});
