import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Route, RouteState } from '../../adapters/router/port.js';
import { routerAgentServer } from '../../agents/router/http-server.js';
import { routeTo } from './agent-fixture.js';

const champion = {
  id: 'iris-aaaaaaaaaaaa',
  service: 'iris',
  host: '127.0.0.1',
  port: 9000,
  version: '1',
  sha256: 'a'.repeat(64),
};
const route = routeTo(champion, null, 0, 1);

/** What reached the agent behind the server under test. */
const applied: Route[] = [];
const state = (of: Route): RouteState => ({ ...of, effectiveWeight: 0, expired: false });
const server = routerAgentServer(
  {
    apply: (of) => {
      applied.push(of);
      return Promise.resolve(state(of));
    },
    renew: () => Promise.resolve(undefined),
    read: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  },
  () => Promise.resolve(false),
);
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
});

interface Call {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

async function call({ method = 'PUT', path = '/services/iris', headers = {}, body = JSON.stringify(route) }: Call) {
  const { port } = server.address() as AddressInfo;
  const all = { 'content-type': 'application/json', ...headers };
  const sent = request({ host: '127.0.0.1', port, method, path, headers: all });
  sent.on('error', () => undefined).end(method === 'PUT' ? body : undefined);
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) as { faults?: { code: string; where?: string }[] } };
}

test('a route is handed to the agent and its state answered', async () => {
  expect(await call({})).toEqual({ status: 200, body: state(route) });
  expect(applied).toEqual([route]);
});

test.each<[string, Call, number, string]>([
  ['of a name that is not ours', { headers: { host: 'rebound.example' } }, 403, 'E_HOST'],
  ['without JSON', { headers: { 'content-type': 'text/plain' } }, 415, 'E_CONTENT_TYPE'],
  ['of more than 64 kB', { body: JSON.stringify({ ...route, padding: 'x'.repeat(70_000) }) }, 413, 'E_BODY_SIZE'],
  ['that is broken', { body: '{' }, 400, 'E_JSON'],
  ['with a key that nobody knows', { body: JSON.stringify({ ...route, mirror: 100 }) }, 400, 'E_ROUTE'],
  ['for another service than its path', { path: '/services/intents' }, 400, 'E_ROUTE'],
  [
    'to another host than this machine',
    { body: JSON.stringify({ ...route, champion: { ...champion, host: '169.254.169.254' } }) },
    400,
    'E_ROUTE',
  ],
  [
    'to the candidate that is the champion',
    { body: JSON.stringify({ ...routeTo(champion, champion, 10, 1) }) },
    400,
    'E_ROUTE',
  ],
  ['with a fractional epoch', { body: JSON.stringify({ ...route, epoch: 1.5 }) }, 400, 'E_ROUTE'],
  ['by a method that is not offered', { method: 'DELETE' }, 405, 'E_METHOD'],
  ['to no path of ours', { path: '/services/iris/../../etc' }, 404, 'E_NOT_FOUND'],
  ['for a service that is not held', { method: 'GET' }, 404, 'E_NOT_FOUND'],
])('a request %s is refused', async (_what, input, status, code) => {
  const before = applied.length;
  expect(await call(input)).toMatchObject({ status, body: { faults: [{ code }] } });
  expect(applied).toHaveLength(before);
});

test('all faults of a document are told at once, each with its place', async () => {
  const { body } = await call({
    body: JSON.stringify({ ...route, weight: 1, epoch: -1, champion: { ...champion, port: 0 } }),
  });
  expect(body.faults?.map(({ where }) => where)).toEqual(['/champion/port', '/epoch', '/weight']);
});

test('an agent whose router does not answer is not healthy', async () => {
  expect(await call({ method: 'GET', path: '/healthz' })).toEqual({ status: 503, body: { ready: false } });
});
