import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { openPrometheus } from '../../adapters/metrics/prometheus/index.js';
import { freePort, writeFileAtomic } from '../../processes/index.js';
import { provideStack } from '../stack-fixture.js';
import { describeMetrics } from './metrics.contract.js';

async function listen(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

function end(server: Server): void {
  server.closeAllConnections();
  server.close();
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const written = (value: number): string => String(value).replace('Infinity', 'Inf');

describeMetrics('prometheus', async () => {
  const stack = await provideStack(['prometheus']);
  const series = new Map<string, number>();
  const { server, port } = await listen((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end([...series].map(([name, value]) => `${name} ${written(value)}\n`).join(''));
  });
  const target = join(stack.root, '.slipway', 'prometheus', 'targets', `contract-${port}.json`);
  // Other tests of the same Prometheus have series of their own.
  const metric = (name: string) => `contract_${port}_${name}`;
  const inner = openPrometheus({ adapter: 'prometheus', url: stack.address('prometheus') });
  const renamed = (expression: string) =>
    expression.replace(/^(requests_total|odd|named)(?=\{)/, (name) => metric(name));
  await writeFileAtomic(target, JSON.stringify([{ targets: [`127.0.0.1:${port}`] }]));
  return {
    metrics: {
      query: (expression, at, signal) => inner.query(renamed(expression), at, signal),
      range: (expression, from, to, step, signal) => inner.range(renamed(expression), from, to, step, signal),
    },
    publish(published) {
      for (const { metric: name, labels, value } of published) {
        const text = Object.entries(labels).map(([key, label]) => `${key}="${escaped(label)}"`);
        series.set(`${metric(name)}{${text.join(',')}}`, value);
      }
      return Promise.resolve();
    },
    async close() {
      await rm(target);
      end(server);
    },
  };
});

describe('a Prometheus that is not well', () => {
  let server: Server | undefined;
  afterEach(() => {
    if (server !== undefined) end(server);
    server = undefined;
  });

  async function answering(status: number, body: string): Promise<ReturnType<typeof openPrometheus>> {
    const listening = await listen((_request, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body),
    );
    server = listening.server;
    return openPrometheus({ adapter: 'prometheus', url: `http://127.0.0.1:${listening.port}/` });
  }
  const vector = (value: unknown, rest: object = {}): string =>
    JSON.stringify({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: {}, value: [1, value] }] },
      ...rest,
    });

  test.each<[string, number, string, string]>([
    [
      'with a warning, since half an answer is none',
      200,
      vector('1', { warnings: ['a block is missing'] }),
      'a block is missing',
    ],
    [
      'with an error',
      503,
      JSON.stringify({ status: 'error', errorType: 'timeout', error: 'query timed out' }),
      'query timed out',
    ],
    ['as something else', 502, '<html>bad gateway</html>', 'not of its query API'],
    ['with a number where a text belongs', 200, vector(1), 'not of its query API'],
    ['with more than 8 MiB', 200, `"${'x'.repeat(9_000_000)}"`, 'more than'],
  ])('answers %s: no data, with the reason', async (_how, status, body, reason) => {
    const metrics = await answering(status, body);
    expect(await metrics.query('up')).toEqual({ kind: 'no-data', reason: expect.stringContaining(reason) as string });
    expect(await metrics.range('up', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z', 1)).toEqual([]);
  });

  test('does not listen: no data, with the reason', async () => {
    const metrics = openPrometheus({ adapter: 'prometheus', url: `http://127.0.0.1:${await freePort()}` });
    expect(await metrics.query('up')).toEqual({
      kind: 'no-data',
      reason: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  test('says nothing for 10 s: no data, with the reason', async () => {
    const listening = await listen(() => undefined);
    server = listening.server;
    const metrics = openPrometheus({ adapter: 'prometheus', url: `http://127.0.0.1:${listening.port}` });
    expect(await metrics.query('up')).toEqual({ kind: 'no-data', reason: 'Prometheus did not answer within 10 s' });
  });

  test('is not asked an endless question', async () => {
    const metrics = await answering(200, vector('1'));
    expect(await metrics.query('up'.repeat(5_000))).toMatchObject({
      kind: 'no-data',
      reason: expect.stringContaining('longer than') as string,
    });
  });
});
