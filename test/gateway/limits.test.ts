import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { rateLimit } from '../../gateway/rate-limit.js';
import {
  freshSource,
  newKey,
  news,
  rawHead as head,
  send,
  sendRaw,
  signed,
  startGateway,
  type TestGateway,
} from './gateway-fixture.js';

let gateway: TestGateway;
const requestMs = 1_000;
beforeAll(async () => {
  gateway = await startGateway({ requestMs });
});
afterAll(() => gateway.close());

const raw = (text: string, keepSending?: string) => sendRaw(gateway.port, text, keepSending);

describe('a body', () => {
  test.each([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['gzip', { 'content-encoding': 'gzip' }],
  ])('as %s is refused', async (_, headers) => {
    expect((await send(gateway.port, { body: '{}', headers })).status).toBe(415);
  });

  test('that trickles is ended', async () => {
    expect(await raw(head(['Content-Length: 1000']), ' ')).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('that is shorter than it was said to be is ended', async () => {
    expect(await raw(`${head(['Content-Length: 1000'])}{}`)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('with two lengths is refused', async () => {
    expect(await raw(`${head(['Content-Length: 5', 'Transfer-Encoding: chunked'])}0\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(await raw(`${head(['Content-Length: 5', 'Content-Length: 6'])}hello`)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('headers', () => {
  test('that trickle are ended', async () => {
    expect(await raw('POST / HTTP/1.1\r\n', 'a')).toMatch(/^HTTP\/1\.1 408 /);
  });
  test('ten thousand of them are refused', async () => {
    expect(await raw(head(Array.from({ length: 10_000 }, (_, n) => `X-${n}: 1`)))).toMatch(/^HTTP\/1\.1 431 /);
  });
  test.each<[string, Record<string, string>]>([
    ['another host', { host: 'evil.example' }],
    ['another host that looks like ours', { host: '127.0.0.1.evil.example' }],
    ['an origin', { origin: 'https://evil.example' }],
    ['an origin of ours', { origin: 'http://127.0.0.1' }],
    ['a method override', { 'x-http-method-override': 'DELETE' }],
  ])('with %s are refused', async (_, headers) => {
    expect((await send(gateway.port, { body: '{}', headers })).status).toBe(403);
  });
  test('of a preflight are refused without any permission', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await send(gateway.port, { method: 'OPTIONS', headers });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('too many requests', () => {
  test('from one source are refused; another source gets through', async () => {
    const from = freshSource();
    const flood = await Promise.all(
      Array.from({ length: 40 }, () => send(gateway.port, { method: 'GET', path: '/healthz', from })),
    );
    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(10);
    expect(refused[0]?.headers['retry-after']).toBe('1');
    const key = newKey();
    await gateway.inbox.expect(key);
    const body = news(key);
    expect((await send(gateway.port, { body, headers: signed(body, gateway.keys[0]!) })).status).toBe(200);
  });

  test('are counted per second, and a flood of one takes nothing from the others', () => {
    let now = 0;
    const rate = rateLimit(10, 100, () => now);
    const passed = (source: string, times: number): number =>
      Array.from({ length: times }, () => rate.take(source)).filter((seconds) => seconds === 0).length;
    expect(passed('a', 1_000)).toBe(10);
    now += 500;
    expect(passed('a', 1_000)).toBe(5);
    const others = Array.from({ length: 20 }, (_, n) => passed(`b${n}`, 10)).reduce((sum, n) => sum + n, 0);
    expect(others).toBe(95);
    expect(rate.take('c')).toBe(1);
  });
});
