import { afterAll, beforeAll, expect, test } from 'vitest';

import { endpointsOf } from '../../gateway/callbacks.js';
import { route, routeTable } from '../../gateway/routes.js';
import { send, startGateway, type TestGateway } from './gateway-fixture.js';

const table = routeTable(endpointsOf([], () => undefined));
let reached: string[];
let gateway: TestGateway;
beforeAll(async () => {
  reached = [];
  // The very table, with handlers that tell when a request comes through.
  const routes = table.map((r) =>
    route(r.method, r.path, r.access, () => {
      reached.push(r.path);
      return Promise.resolve({});
    }),
  );
  gateway = await startGateway({ routes });
});
afterAll(() => gateway.close());

test('strangers reach only what says nothing', () => {
  expect(table.filter(({ access }) => access.kind === 'public').map(({ path }) => path)).toEqual(['/healthz']);
});

test.each(table.filter(({ access }) => access.kind !== 'public'))(
  'nobody unknown gets through to $method $path',
  async ({ method, path }) => {
    const asked = path.replaceAll(/:[a-z]+/g, 'dev');
    for (const headers of [{}, { authorization: 'Bearer x' }, { 'webhook-id': 'a', 'webhook-timestamp': '1' }]) {
      const answer = await send(gateway.port, { method, path: asked, headers, body: '{}' });
      expect([400, 401]).toContain(answer.status);
    }
    expect(reached).not.toContain(path);
  },
);

test('health is told without a body', async () => {
  expect(await send(gateway.port, { method: 'GET', path: '/healthz' })).toMatchObject({ status: 200 });
});

test.each([
  ['GET', '/', 404],
  ['GET', '/callbacks/dev/push', 405],
  ['DELETE', '/healthz', 405],
  ['POST', '/callbacks/dev/push/', 404],
  ['POST', '/callbacks/../healthz', 404],
  ['POST', '/callbacks/dev/%2e%2e', 404],
])('%s %s is answered %i', async (method, path, status) => {
  expect((await send(gateway.port, { method, path, ...(method === 'POST' && { body: '{}' }) })).status).toBe(status);
});
