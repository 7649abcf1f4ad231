import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { faultyProxy, type FaultyProxy } from './faulty-proxy.js';

let seen: string[] = [];
const server = createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`);
  response.end('answer');
});
let proxy: FaultyProxy;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await faultyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
beforeEach(() => void (seen = []));
afterAll(async () => {
  await proxy.close();
  server.close();
});

const ask = (limitMs = 20_000) =>
  fetch(`${proxy.url}/a`, { signal: AbortSignal.timeout(limitMs) }).then((r) => r.text());

test('the answer is lost after the server gave it', async () => {
  proxy.meddle(() => 'reset-after');
  await expect(ask()).rejects.toThrow('fetch failed');
  expect(seen).toEqual(['GET /a']);
});

test('nobody ever answers, and the server sees nothing', async () => {
  proxy.meddle(() => 'black-hole');
  await expect(ask(300)).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(seen).toEqual([]);
});

test('one bit of the answer is another', async () => {
  proxy.meddle(() => 'change-answer');
  expect(await ask()).toBe('`nswer');
});

test('a caller that is killed before its call has no effect, one that is killed after it has', async () => {
  const killed: string[] = [];
  for (const when of ['before', 'after'] as const) {
    proxy.meddle(() => ({ kill: () => killed.push(`${when} ${seen.length}`), when, callerDies: true }));
    await expect(ask()).rejects.toThrow('fetch failed');
  }
  expect(killed).toEqual(['before 0', 'after 1']);
  expect(seen).toEqual(['GET /a']);
});

test('a caller that lives while somebody else is killed is served', async () => {
  proxy.meddle(() => ({ kill: () => undefined, when: 'before', callerDies: false }));
  expect(await ask()).toBe('answer');
});

test('who watches is told of each answer of the server', async () => {
  const told: string[] = [];
  proxy.watch((call, status) => void told.push(`${call.method} ${call.path} ${status}`));
  proxy.meddle(() => 'twice');
  await ask();
  expect(told).toEqual(['GET /a 200', 'GET /a 200']);
});
