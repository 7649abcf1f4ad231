import type { Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Traffic } from '../../../operations/demo/traffic.js';
import { prepareTraffic } from '../../../operations/demo/traffic.js';

const right = JSON.stringify({
  outputs: [
    { name: 'label', data: ['a'] },
    { name: 'confidence', data: [0.9] },
    { name: 'fallback', data: [false] },
  ],
});
let server: Server | undefined;
let traffic: Traffic | undefined;

interface Seen {
  user: string;
  path: string;
  text: string;
}

/** A model server that answers as told and remembers what it was asked. */
async function serve(answer: (response: ServerResponse) => void): Promise<{ traffic: Traffic; seen: Seen[] }> {
  const seen: Seen[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { inputs } = JSON.parse(body) as { inputs: { data: string[] }[] };
      seen.push({
        user: String(request.headers['x-user-id']),
        path: request.url ?? '',
        text: inputs[0]?.data[0] ?? '',
      });
      answer(response);
    });
  });
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  traffic = prepareTraffic({
    address: { host: '127.0.0.1', port },
    service: 'intents',
    requests: [{ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['turn on the light'] }] }],
    perSecond: 200,
  });
  traffic.begin();
  return { traffic, seen };
}

afterEach(async () => {
  await traffic?.stop();
  server?.closeAllConnections();
  server?.close();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 100_000, interval: 10 });

describe('the users of the demo', () => {
  test('ask the service in words, each under an id of its own', async () => {
    const { seen } = await serve((response) => response.end(right));
    await until(() => expect(seen.length).toBeGreaterThan(40));
    expect(new Set(seen.map((s) => s.path))).toEqual(new Set(['/v2/models/intents/infer']));
    expect(new Set(seen.map((s) => s.text))).toEqual(new Set(['turn on the light']));
    expect(new Set(seen.map((s) => s.user)).size).toBeGreaterThan(20);
  });

  test('count right answers as requests and nothing else, and know who answered last', async () => {
    const { traffic: users } = await serve((response) =>
      response.writeHead(200, { 'x-model-version': 'v7' }).end(right),
    );
    await until(() => expect(users.lastAnswerOf('v7')).toBeDefined());
    await users.stop();
    expect(users.counts()).toEqual({ requests: expect.any(Number), failures: 0 });
    expect(users.lastAnswerOf('v8')).toBeUndefined();
  });

  test.each([
    ['a status other than 200', (r: ServerResponse) => r.writeHead(503).end(right), 'status 503'],
    ['an answer without a label', (r: ServerResponse) => r.end(JSON.stringify({ outputs: [] })), 'wrong answer'],
    ['an answer that is no JSON', (r: ServerResponse) => r.end('<html>'), 'wrong answer'],
    ['a connection that breaks', (r: ServerResponse) => r.destroy(), 'socket hang up'],
  ])('count %s as a failure', async (_, answer, text) => {
    const { traffic: users } = await serve(answer);
    await until(() => expect(users.counts().failures).toBeGreaterThan(0));
    await users.stop();
    const { requests, failures } = users.counts();
    expect(failures).toBe(requests);
    expect(users.faults()[0]).toContain(text);
  });

  test('send nothing before they come and nothing after they left', async () => {
    const { traffic: users, seen } = await serve((response) => response.end(right));
    await until(() => expect(seen.length).toBeGreaterThan(5));
    await users.stop();
    const sent = users.counts().requests;
    expect(seen.length).toBe(sent);
    const silent = prepareTraffic({
      address: { host: '127.0.0.1', port: 1 },
      service: 'x',
      requests: ['x'],
      perSecond: 200,
    });
    await silent.stop();
    expect(silent.counts()).toEqual({ requests: 0, failures: 0 });
  });
});
