import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { openS3Store } from '../../adapters/store/s3/index.js';
import { s3Options } from '../../adapters/store/s3/options.js';
import type { Store } from '../../adapters/store/port.js';

/** Answers that the store gives before it is well again; those are what a burst of load makes it say. */
let burst: (number | 'reset')[] = [];
let requests = 0;
let stored = 0;
let server: Server;
let store: Store;
beforeAll(async () => {
  server = createServer((request, response) => {
    requests++;
    const next = burst.shift();
    request.resume().on('end', () => {
      if (next === 'reset') return void request.socket.resetAndDestroy();
      if (next === undefined) stored++;
      response.writeHead(next ?? 200, { 'content-type': 'application/xml', etag: '"1"' });
      response.end(next === undefined ? '' : '<Error><Code>SlowDown</Code><Message>less, please</Message></Error>');
    });
    request.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'env:A', secretAccessKey: 'env:B' };
  store = openS3Store(s3Options.parse({ adapter: 's3', endpoint, bucket: 'slipway', credentials }), {
    root: '/',
    secret: () => 'key',
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = stored = 0;
});

test.each([
  ['503 and more room later', [503, 503, 503]],
  ['500, 502 and 504', [500, 502, 504]],
  ['resets', ['reset', 'reset']],
  ['429', [429, 429]],
] as [string, (number | 'reset')[]][])('a burst of %s costs a few requests and stores once', async (_, answers) => {
  burst = [...answers];
  await store.put('a', Buffer.from('bytes'));
  expect([requests, stored]).toEqual([answers.length + 1, 1]);
});

test('a store that stays so is told to be away, after a handful of requests', async () => {
  burst = Array.from({ length: 1_000 }, () => 503);
  await expect(store.put('a', Buffer.from('bytes'))).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  expect(requests).toBeLessThanOrEqual(20);
  expect(stored).toBe(0);
});
