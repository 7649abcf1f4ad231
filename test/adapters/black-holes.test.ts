import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openMlflowRegistry } from '../../adapters/registry/mlflow/index.js';
import { mlflowOptions } from '../../adapters/registry/mlflow/options.js';
import { openAgentRouter } from '../../adapters/router/agent/index.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { s3Options } from '../../adapters/store/s3/options.js';
import { openMlflowTracking } from '../../adapters/tracking/mlflow/index.js';
import { mlflowTrackingOptions } from '../../adapters/tracking/mlflow/options.js';

const context = { root: '/', secret: () => 'key' };
const server: Server = createServer();
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const silence: RequestListener = () => undefined;
const half: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{');
};

describe.each([
  ['accepts and never answers', silence],
  ['begins an answer and never ends it', half],
])('a server that %s', (_, behave) => {
  beforeAll(() => {
    server.removeAllListeners('request');
    server.on('request', behave);
  });

  test('is an MLflow that is away, once its time is up: registry and tracking', async () => {
    const registry = openMlflowRegistry(mlflowOptions.parse({ adapter: 'mlflow', uri: url, timeoutMs: 200 }), context);
    const options = mlflowTrackingOptions.parse({ adapter: 'mlflow', uri: url, timeoutMs: 200 });
    const tracking = openMlflowTracking(options, context);
    for (const call of [() => registry.aliases('iris'), () => tracking.close('r'.repeat(32), 'finished')])
      await expect(call()).rejects.toMatchObject({
        code: 'E_UNAVAILABLE',
        message: expect.stringContaining('no answer within 200 ms') as string,
      });
  });

  test('holds nobody who gives up: store and router', async () => {
    const credentials = { accessKeyId: 'env:A', secretAccessKey: 'env:B' };
    const store = openS3Store(
      s3Options.parse({ adapter: 's3', endpoint: url, bucket: 'slipway', credentials }),
      context,
    );
    const router = openAgentRouter({ adapter: 'agent', url, listener: 'http://127.0.0.1:8080' });
    const artifact = { uri: 's3://slipway/a', sha256: 'a'.repeat(64), bytes: 10 };
    for (const call of [
      (signal: AbortSignal) => store.put('a', new Uint8Array(10), { signal }),
      (signal: AbortSignal) => store.get(artifact, { signal }),
      (signal: AbortSignal) => router.read('intents', signal),
    ]) {
      const caller = new AbortController();
      const asked = new Promise((resolve) => server.once('request', resolve));
      const failed = call(caller.signal).catch((error: unknown) => error);
      await asked;
      caller.abort();
      expect(await failed).toMatchObject({ name: 'AbortError' });
    }
  });
});
