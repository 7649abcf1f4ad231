import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localStack, rayTrainer } from '../../config/index.js';
import { openEnvironment } from '../../config/open.js';
import { references } from '../../config/references.js';
import { parseConfig } from '../../config/schema.js';
import { isLoopback } from '../../config/temporal.js';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'slipway-open-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function stackIsUp(parts: object): void {
  mkdirSync(join(root, '.slipway/stack'), { recursive: true });
  writeFileSync(join(root, '.slipway/stack/state.json'), JSON.stringify({ format: 1, parts }));
}
const configWith = (temporal: object = localStack().temporal) =>
  parseConfig({ defaultEnvironment: 'dev', environments: { dev: { ...localStack(), temporal } } }, 'f');

describe('addresses of the local stack', () => {
  test('come from its state', async () => {
    stackIsUp({
      temporal: { address: '127.0.0.1:7000', ui: 'http://127.0.0.1:8000' },
      envoy: { address: 'http://127.0.0.1:81' },
      router: { address: 'http://127.0.0.1:82' },
    });
    const environment = await openEnvironment(configWith(), 'dev', { root, env: {} });
    expect(environment.temporal).toMatchObject({
      address: '127.0.0.1:7000',
      namespace: 'default',
      ui: 'http://127.0.0.1:8000',
    });
    expect(environment.ports.router.address()).toEqual({ host: '127.0.0.1', port: 81 });
    expect(environment.links).toEqual({ users: 'http://127.0.0.1:81' });
  });

  test('are asked for only when they are needed', async () => {
    stackIsUp({ envoy: { address: 'http://127.0.0.1:81' }, router: { address: 'http://127.0.0.1:82' } });
    const environment = await openEnvironment(configWith(), 'dev', { root, env: {} });
    expect(() => environment.ports.router).not.toThrow();
    expect(() => environment.temporal).toThrow(/E_STACK_DOWN stack:temporal[\s\S]*slipway up/);
  });

  test('are opened once', async () => {
    stackIsUp({ s3: { address: 'http://127.0.0.1:83' } });
    const { ports } = await openEnvironment(configWith(), 'dev', { root, env: {} });
    expect(ports.store).toBe(ports.store);
  });
});

test("a trainer on Ray gets its address by reference, and reaches the environment's own store", async () => {
  stackIsUp({ s3: { address: 'http://127.0.0.1:83' } });
  const trainers = { ray: rayTrainer({ url: 'env:RAY_URL' }) };
  const environments = { dev: { ...localStack(), trainers } };
  const config = parseConfig({ defaultEnvironment: 'dev', environments }, 'f');
  const { ports } = await openEnvironment(config, 'dev', { root, env: { RAY_URL: 'http://127.0.0.1:9' } });
  expect(ports.trainer('ray').adapter).toBe('ray');
  await expect(ports.trainer('ray').find('ab'.repeat(32))).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
  const unset = await openEnvironment(config, 'dev', { root, env: {} });
  expect(() => unset.ports.trainer('ray')).toThrow(/RAY_URL/);
});

describe('an unknown name', () => {
  test('of an environment lists the known ones', async () => {
    await expect(openEnvironment(configWith(), 'prd', { root, env: {} })).rejects.toThrow(
      'unknown environment `prd`: known are dev',
    );
  });

  test('of a trainer lists the known ones', async () => {
    const { ports } = await openEnvironment(configWith(), 'dev', { root, env: {} });
    expect(() => ports.trainer('proces')).toThrow('did you mean `process`?');
  });
});

describe('secret references', () => {
  test('give the value without its last newline', () => {
    writeFileSync(join(root, 'key'), 'abc\n', { mode: 0o600 });
    const { secret } = references(root, { TOKEN: 'xyz' });
    expect([secret('env:TOKEN'), secret('file:key')]).toEqual(['xyz', 'abc']);
  });

  test.each(['env:NOT_SET', 'file:missing', 'file:.'])(
    'name only themselves when there is nothing behind them: %s',
    (reference) => {
      const { secret } = references(root, { OTHER: 'do-not-show' });
      expect(() => secret(reference)).toThrow(expect.objectContaining({ code: 'E_SECRET_REF', exitCode: 78 }) as Error);
      expect(() => secret(reference)).toThrow(reference);
    },
  );

  test('never echo a value that somebody put in their place', () => {
    expect(() => references(root, {}).secret('hunter2')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') as string }) as Error,
    );
  });

  test("of the stack's own S3 come from its file, else from the environment", () => {
    stackIsUp({ s3: { address: 'http://127.0.0.1:83', credentialsFile: join(root, 's3.json') } });
    writeFileSync(join(root, 's3.json'), JSON.stringify({ accessKeyId: 'own', secretAccessKey: 'secret' }));
    expect(references(root, { AWS_ACCESS_KEY_ID: 'other' }).secret('stack:s3/accessKeyId')).toBe('own');
    stackIsUp({ s3: { address: 'http://127.0.0.1:83' } });
    expect(references(root, { AWS_ACCESS_KEY_ID: 'other' }).secret('stack:s3/accessKeyId')).toBe('other');
  });
});

describe('a Temporal beyond this machine', () => {
  const open = async (temporal: object, env = {}) =>
    (await openEnvironment(configWith(temporal), 'dev', { root, env })).temporal;
  const far = { address: 'temporal.example.com:7233', namespace: 'prod' };

  test.each([far, { ...far, tls: true }])('is refused without proof of who we are', async (temporal) => {
    await expect(open(temporal)).rejects.toMatchObject({ code: 'E_TEMPORAL_INSECURE', exitCode: 78 });
  });

  test('is accepted with an API key or a client certificate', async () => {
    expect(await open({ ...far, tls: true, apiKey: 'env:KEY' }, { KEY: 'k' })).toMatchObject({
      apiKey: 'k',
      tls: true,
    });
    const tls = { certificate: 'env:CERT', key: 'env:KEY' };
    expect(await open({ ...far, tls }, { CERT: 'c', KEY: 'k' })).toMatchObject({
      tls: { clientCertPair: { crt: Buffer.from('c'), key: Buffer.from('k') } },
    });
  });

  test.each([
    ['127.0.0.1:7233', true],
    ['localhost', true],
    ['[::1]:7233', true],
    ['127.evil.com:7233', false],
    ['0.0.0.0:7233', false],
  ])('%s is this machine: %s', (address, loopback) => {
    expect(isLoopback(address)).toBe(loopback);
  });
});
