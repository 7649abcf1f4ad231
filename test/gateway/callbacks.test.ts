import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { endNews, failed, newKey, news, send, signed, startGateway, type TestGateway } from './gateway-fixture.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const push = (body: string, o: { id?: string; timestamp?: string | number } = {}) =>
  send(gateway.port, { body, headers: signed(body, gateway.keys[0]!, o) });
/** A key whose job was started here. */
const expected = async (): Promise<string> => {
  const key = newKey();
  await gateway.inbox.expect(key);
  return key;
};

describe('a signature', () => {
  const body = news(newKey());
  const good = () => signed(body, gateway.keys[0]!, { id: 'msg_1' });
  const mac = () => good()['webhook-signature']!;
  const bad: [string, () => Record<string, string>][] = [
    ['is missing', () => ({ ...good(), 'webhook-signature': '' })],
    ['is that of another key', () => signed(body, randomBytes(32), { id: 'msg_1' })],
    ['is cut short', () => ({ ...good(), 'webhook-signature': mac().slice(0, -4) })],
    ['has another version', () => ({ ...good(), 'webhook-signature': mac().replace('v1,', 'v1a,') })],
    ['is no base64', () => ({ ...good(), 'webhook-signature': 'v1,%%%%' })],
    ['is the sixth of six', () => ({ ...good(), 'webhook-signature': `${'v1,AAAA '.repeat(5)}${mac()}` })],
    ['is one of fifty', () => ({ ...good(), 'webhook-signature': Array<string>(50).fill(mac()).join(' ') })],
    ['is of another id', () => ({ ...good(), 'webhook-id': 'msg_2' })],
  ];

  test.each(bad)('that %s is refused in the same words', async (_, headers) => {
    const answer = await send(gateway.port, { body, headers: headers() });
    expect(answer).toMatchObject({ status: 401 });
    expect(answer.text).toBe('{"faults":[{"code":"E_SIG","message":"the signature is not valid"}]}\n');
  });

  test('counts for the raw bytes: the same JSON written otherwise is refused', async () => {
    const spaced = JSON.stringify(JSON.parse(body), null, 1);
    const answer = await send(gateway.port, { body: spaced, headers: good() });
    expect(answer.body.faults?.[0]?.code).toBe('E_SIG');
  });

  test('for a trainer that nobody configured is refused in the same words', async () => {
    const answer = await send(gateway.port, { path: '/callbacks/prod/push', body, headers: good() });
    expect(answer.text).toBe('{"faults":[{"code":"E_SIG","message":"the signature is not valid"}]}\n');
  });

  test('by either of two keys is taken, and among up to five', async () => {
    const second = randomBytes(24);
    gateway.keys.push(second);
    const key = await expected();
    const text = news(key);
    const headers = signed(text, second);
    headers['webhook-signature'] =
      `v2,x v1,AAAA v1,${randomBytes(32).toString('base64')} v9 ${headers['webhook-signature']}`;
    expect(await send(gateway.port, { body: text, headers })).toMatchObject({
      status: 200,
      body: { outcome: 'accepted' },
    });
    gateway.keys.pop();
    expect((await send(gateway.port, { body: text, headers })).status).toBe(401);
  });
});

test.each([-60, 60])('a timestamp that is %d s off the clock is accepted', async (off) => {
  const timestamp = Math.floor(Date.now() / 1000) + off;
  expect(await push(news(await expected()), { timestamp })).toMatchObject({
    status: 200,
    body: { outcome: 'accepted' },
  });
});

test.each([
  ['6 min old', Math.floor(Date.now() / 1000) - 360, /3[56]\d s old/],
  ['6 min ahead', Math.floor(Date.now() / 1000) + 360, /3[56]\d s ahead/],
  ['a text', 'yesterday', /no Unix time/],
  ['missing', '', /no Unix time/],
  ['2^63', '9223372036854775808', /no Unix time/],
  ['in hexadecimal', '0x6553f100', /no Unix time/],
])('a timestamp that is %s is refused with the difference', async (_, timestamp, told) => {
  const answer = await push(news(newKey()), { timestamp });
  expect(answer).toMatchObject({ status: 401, body: { faults: [{ code: 'E_SIG_TIME' }] } });
  expect(answer.body.faults?.[0]?.message).toMatch(told);
});

test.each([
  ['with a dot', 'msg.1'],
  ['that is empty', ''],
  ['of 10 kB', 'm'.repeat(10_000)],
  ['with a space', 'a b'],
])('an id %s is refused', async (_, id) => {
  expect(await push(news(newKey()), { id })).toMatchObject({ status: 400, body: { faults: [{ code: 'E_ID' }] } });
});

describe('a message that comes again', () => {
  test('gets the first answer, at once and after later news', async () => {
    const key = await expected();
    const early = news(key, {}, new Date(Date.now() - 1_000));
    const first = await push(early, { id: 'msg_again' });
    expect(first).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
    await push(endNews(key));
    expect((await push(early, { id: 'msg_again' })).text).toBe(first.text);
    expect((await gateway.inbox.latest(key))?.phase).toBe('failed');
  });

  test('twenty times in parallel makes one record and twenty equal answers', async () => {
    const key = await expected();
    const body = endNews(key);
    const answers = await Promise.all(Array.from({ length: 20 }, () => push(body, { id: 'msg_twenty' })));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
    expect([...gateway.store.objects.keys()].filter((name) => name.includes(key))).toHaveLength(2);
  });

  test('gets the first answer from another gateway on the same store', async () => {
    const key = await expected();
    const body = endNews(key);
    const headers = signed(body, gateway.keys[0]!, { id: 'msg_restart' });
    const first = await send(gateway.port, { body, headers });
    const other = await startGateway({}, gateway.store);
    other.keys.splice(0, 1, gateway.keys[0]!);
    expect((await send(other.port, { body, headers })).text).toBe(first.text);
    await other.close();
  });

  test('with another body is refused', async () => {
    const key = await expected();
    await push(news(key), { id: 'msg_twice' });
    const other = news(key, { note: 'other' });
    const answer = await push(other, { id: 'msg_twice' });
    expect(answer).toMatchObject({ status: 409, body: { faults: [{ code: 'E_IDEMPOTENCY_MISMATCH' }] } });
  });
});

describe('news', () => {
  test('of a job that was not started here are noted and change nothing', async () => {
    const key = newKey();
    expect(await push(endNews(key), { id: 'msg_foreign' })).toMatchObject({
      status: 200,
      body: { outcome: 'ignored' },
    });
    expect(await gateway.inbox.latest(key)).toBeUndefined();
    expect(gateway.lines.at(-1)).toMatchObject({ id: 'msg_foreign', outcome: 'ignored', trainer: 'push' });
    const receipts = [...gateway.store.objects.keys()].filter((name) => name.includes('/receipts/'));
    expect(receipts.length).toBeGreaterThan(0);
  });

  test('of another job under the same key are ignored', async () => {
    const key = await expected();
    await gateway.inbox.named(key, 'j-1');
    const answer = await push(endNews(key, { ...failed, job: 'j-2' }));
    expect(answer.body).toMatchObject({ outcome: 'ignored', reason: 'the job of this key has another name' });
    expect(await gateway.inbox.latest(key)).toBeUndefined();
  });

  test('after the end, and a second end, are ignored', async () => {
    const key = await expected();
    expect((await push(endNews(key))).body.outcome).toBe('accepted');
    const lost = { phase: 'lost', reason: 'gone' };
    for (const body of [endNews(key), endNews(key, lost), news(key)]) {
      expect((await push(body)).body).toMatchObject({ outcome: 'ignored', reason: 'the job had ended already' });
    }
    expect(await gateway.inbox.latest(key)).toMatchObject({ phase: 'failed' });
  });

  test('that come late do not replace later ones', async () => {
    const key = await expected();
    await push(news(key, { note: 'new' }));
    const answer = await push(news(key, { note: 'old' }, new Date(Date.now() - 60_000)));
    expect(answer.body).toMatchObject({ outcome: 'ignored' });
    expect(await gateway.inbox.latest(key)).toMatchObject({ note: 'new' });
  });

  test.each([
    ['an unknown phase', { phase: 'done' }],
    ['an unknown key', { extra: 1 }],
    ['progress that is no number', { progress: { loss: '0.2' } }],
    ['a metric list instead of a manifest', { phase: 'succeeded', manifest: [] }],
  ])('with %s are refused and not kept', async (_, more) => {
    const key = await expected();
    const body = news(key, more);
    const answer = await push(body);
    expect(answer.status).toBe(422);
    expect(new Set(answer.body.faults?.map(({ code }) => code))).toEqual(new Set(['E_SCHEMA']));
    expect(await gateway.inbox.latest(key)).toBeUndefined();
  });
});

test('a failure that would be asked for again for ever is refused', async () => {
  const failure = { ...failed.failure, code: 'E_UNAVAILABLE' };
  const answer = await push(endNews(await expected(), { ...failed, failure }));
  expect(answer.body.faults).toEqual([
    { code: 'E_SCHEMA', where: '/data/failure/code', message: 'no code that a job ends with' },
  ]);
});

test.each([
  ['NaN', '{"a":NaN}'],
  ['trailing data', '{} {}'],
  ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`],
  ['a forbidden key', '{"data":{"__proto__":{"a":1}}}'],
  ['a byte order mark', '\ufeff{}'],
])('a signed body with %s is no JSON that is read', async (_, body) => {
  expect(await push(body)).toMatchObject({ status: 400, body: { faults: [{ code: 'E_JSON' }] } });
});

test('a store that fails is a "try again later", and its reason stays here', async () => {
  const broken = await startGateway();
  broken.store.replace = () => Promise.reject(new Error('secret place'));
  const body = news(newKey());
  const answer = await send(broken.port, { body, headers: signed(body, broken.keys[0]!) });
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('secret place');
  expect(String(broken.errors[0])).toContain('secret place');
  await broken.close();
});
