import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';

import { openCallbacks } from '../../config/callbacks.js';
import { gatewaySettings } from '../../config/gateway.js';
import { httpTrainer, localStack, s3 } from '../../config/index.js';
import { parseConfig } from '../../config/schema.js';
import type { SlipwayError } from '../../plan/errors.js';

const whsec = (bytes: number): string => `whsec_${randomBytes(bytes).toString('base64')}`;
const pushing = (...keys: string[]) =>
  httpTrainer({ url: 'https://trainer.example', callback: { url: 'https://gateway.example', keys } });
const config = (trainers: object, gateway: object = {}) => {
  const dev = { ...localStack(), store: s3({ endpoint: 'http://127.0.0.1:1', bucket: 'slipway' }), trainers };
  return parseConfig({ defaultEnvironment: 'dev', environments: { dev }, gateway }, 'f');
};
const open = (trainers: object, env: Record<string, string>) => openCallbacks(config(trainers), { root: '/', env });

test('the gateway listens on this machine alone unless it is told otherwise', () => {
  expect(gatewaySettings(config({}), { root: '/', env: {} })).toEqual({
    host: '127.0.0.1',
    port: 8787,
    hosts: ['127.0.0.1', 'localhost'],
  });
});

test.each(['0.0.0.0', '::', '192.168.1.5'])('listening on %s without TLS is refused', (host) => {
  expect(() => gatewaySettings(config({}, { host }), { root: '/', env: {} })).toThrow('E_GATEWAY_INSECURE');
});

test('listening for others takes a certificate and a key, by reference', () => {
  const tls = { certificate: 'env:CERT', key: 'env:KEY' };
  const given = config({}, { host: '0.0.0.0', tls });
  const settings = gatewaySettings(given, { root: '/', env: { CERT: 'c', KEY: 'k' } });
  expect(settings.tls).toEqual({ certificate: 'c', key: 'k' });
  expect(() => gatewaySettings(given, { root: '/', env: {} })).toThrow('E_SECRET_REF');
});

test('each trainer that pushes has an endpoint with up to two keys', async () => {
  const env = { A: whsec(24), B: whsec(64), C: whsec(32) };
  const endpoints = await open({ one: pushing('env:A', 'env:B'), two: pushing('env:C') }, env);
  expect(endpoints.map(({ trainer, keys, inbox }) => [trainer, keys.map((k) => k.length), inbox.path])).toEqual([
    ['one', [24, 64], '/callbacks/dev/one'],
    ['two', [32], '/callbacks/dev/two'],
  ]);
});

test.each([
  ['too short', whsec(23)],
  ['too long', whsec(65)],
  ['without whsec_', randomBytes(32).toString('base64')],
  ['no base64', `whsec_${'%'.repeat(40)}`],
])('a key that is %s is refused at the start, and not shown', async (_, key) => {
  const error = (await open({ one: pushing('env:A') }, { A: key }).catch((e: unknown) => e)) as SlipwayError;
  expect(error).toMatchObject({ code: 'E_WEBHOOK_KEY', exitCode: 78 });
  expect(error.message).toContain('env:A');
  expect(error.message).not.toContain(key);
});

test('one key for two trainers is refused at the start', async () => {
  const A = whsec(32);
  await expect(open({ one: pushing('env:A'), two: pushing('env:B') }, { A, B: A })).rejects.toMatchObject({
    code: 'E_WEBHOOK_KEY',
    exitCode: 78,
  });
});

test('a key that is missing is named by its reference', async () => {
  await expect(open({ one: pushing('env:A') }, {})).rejects.toMatchObject({ code: 'E_SECRET_REF', exitCode: 78 });
});
