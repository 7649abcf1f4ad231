import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { openPrometheus } from '../../adapters/metrics/prometheus/index.js';
import { openMlflowRegistry } from '../../adapters/registry/mlflow/index.js';
import { mlflowOptions } from '../../adapters/registry/mlflow/options.js';
import { openAgentRouter } from '../../adapters/router/agent/index.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { s3Options } from '../../adapters/store/s3/options.js';
import { openSagemakerTrainer } from '../../adapters/trainer/sagemaker/index.js';
import { sagemakerTrainerOptions } from '../../adapters/trainer/sagemaker/options.js';
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

const prometheus = () => openPrometheus({ adapter: 'prometheus', url });
const credentials = { accessKeyId: 'env:A', secretAccessKey: 'env:B' };
const storeAt = () =>
  openS3Store(s3Options.parse({ adapter: 's3', endpoint: url, bucket: 'slipway', credentials }), context);
const sagemaker = () => {
  const role = 'arn:aws:iam::123456789012:role/slipway-jobs';
  const places = { region: 'us-east-1', endpoint: url, logsEndpoint: url };
  const options = sagemakerTrainerOptions.parse({
    adapter: 'sagemaker',
    ...places,
    credentials,
    role,
    image: 'jobs:1',
  });
  return openSagemakerTrainer(options, context, storeAt());
};
/** The limits of these adapters are no options: minutes pass in moments. Nothing is asserted about when. */
async function whileTimeFlies<T>(work: () => Promise<T>): Promise<T> {
  const flying = setInterval(() => vi.advanceTimersByTime(1_000), 5);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
    clearInterval(flying);
  }
}

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

  test('is a Prometheus without data, once its time is up', async () => {
    await whileTimeFlies(async () => {
      const reason = 'Prometheus did not answer within 10 s';
      expect(await prometheus().query('up')).toEqual({ kind: 'no-data', reason });
      expect(await prometheus().range('up', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z', 5)).toEqual([]);
    });
  });

  test('holds nobody who gives up: store, router, Prometheus and SageMaker', async () => {
    const store = storeAt();
    const trainer = sagemaker();
    const router = openAgentRouter({ adapter: 'agent', url, listener: 'http://127.0.0.1:8080' });
    const artifact = { uri: 's3://slipway/a', sha256: 'a'.repeat(64), bytes: 10 };
    for (const call of [
      (signal: AbortSignal) => store.put('a', new Uint8Array(10), { signal }),
      (signal: AbortSignal) => store.get(artifact, { signal }),
      (signal: AbortSignal) => router.read('intents', signal),
      (signal: AbortSignal) => prometheus().query('up', undefined, signal),
      (signal: AbortSignal) => prometheus().range('up', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z', 5, signal),
      (signal: AbortSignal) => trainer.find('a'.repeat(64), signal),
      (signal: AbortSignal) => trainer.poll(`slipway-${'a'.repeat(32)}`, signal),
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

test('a SageMaker that never answers is away, once its time is up', async () => {
  server.removeAllListeners('request');
  server.on('request', silence);
  const trainer = sagemaker();
  await whileTimeFlies(async () => {
    await expect(trainer.find('a'.repeat(64))).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  });
});
