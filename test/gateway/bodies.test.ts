import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openHttpTrainer } from '../../adapters/trainer/http/index.js';
import { httpTrainerOptions } from '../../adapters/trainer/http/options.js';
import { mostCallbackBytes } from '../../config/callbacks.js';
import { Bodies, smallBodyBytes } from '../../gateway/bodies.js';
import { endNews, newKey, rawHead, send, sendRaw, signed, startGateway, type TestGateway } from './gateway-fixture.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

/** As many files as a manifest may list, with names that make more of them than the store reads unless told to. */
const manifestOf = (key: string) => {
  const files = Array.from({ length: 10_000 }, (_, n) => {
    const path = `output/data/${'part-'.repeat(30)}${n}.json`;
    return { path, uri: `s3://slipway/jobs/${key}/${path}`, sha256: 'c'.repeat(64), bytes: n };
  });
  return { format: 1, key, files, metrics: { accuracy: 0.9 } };
};

test('the end of a job with 10,000 files is taken, kept, taken again and read by the trainer', async () => {
  const key = newKey();
  await gateway.inbox.expect(key);
  await gateway.inbox.named(key, 'j-1');
  const body = endNews(key, { phase: 'succeeded', manifest: manifestOf(key) });
  expect(body.length).toBeGreaterThan(5_000_000);
  for (const id of ['msg_large', 'msg_large']) {
    const headers = signed(body, gateway.keys[0]!, { id });
    expect(await send(gateway.port, { body, headers })).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  }
  const callback = { url: 'https://slipway.example.com', keys: ['env:KEY'] };
  const options = httpTrainerOptions.parse({ adapter: 'http', url: 'https://trainer.example.com', callback });
  const trainer = openHttpTrainer(options, { root: '/', secret: () => '' }, gateway.inbox);
  const state = await trainer.poll(`${key}/j-1`);
  expect(state.phase === 'succeeded' && state.manifest.files.length).toBe(10_000);
});

test('a body beyond the limit of its route is refused, announced or not', async () => {
  const announced = rawHead([`Content-Length: ${mostCallbackBytes + 1}`]);
  expect(await sendRaw(gateway.port, announced)).toMatch(/^HTTP\/1\.1 413 /);
  const body = ' '.repeat(mostCallbackBytes + 1);
  const chunked = `${rawHead(['Transfer-Encoding: chunked'])}${body.length.toString(16)}\r\n${body}`;
  expect(await sendRaw(gateway.port, chunked)).toMatch(/^HTTP\/1\.1 413 .*E_BODY_SIZE/s);
});

test('large bodies wait for each other, small ones for nobody, and what was held is free again', async () => {
  const bodies = new Bodies(100_000);
  const most = 1_000_000;
  const requestOf = (bytes: number, ended = true): IncomingMessage => {
    const headers = { 'content-type': 'application/json' };
    const stream = Object.assign(new PassThrough({ highWaterMark: most }), { headers });
    stream.write(Buffer.alloc(bytes));
    if (ended) stream.end();
    return stream as unknown as IncomingMessage;
  };
  const sizeOf = (bytes: number) => bodies.with(requestOf(bytes), most, (body) => Promise.resolve(body.length));
  let release = (): void => undefined;
  let reached = (): void => undefined;
  const isHeld = new Promise<void>((done) => (reached = done));
  const held = bodies.with(requestOf(smallBodyBytes + 90_000), most, () => {
    reached();
    return new Promise<void>((done) => (release = done));
  });
  await isHeld;
  await expect(sizeOf(smallBodyBytes + 20_000)).rejects.toMatchObject({ code: 'E_RATE', retryAfter: 1 });
  expect(await sizeOf(smallBodyBytes)).toBe(smallBodyBytes);
  release();
  await held;
  expect(await sizeOf(smallBodyBytes + 100_000)).toBe(smallBodyBytes + 100_000);
  const brokenOff = requestOf(smallBodyBytes + 100_000, false);
  const failed = bodies.with(brokenOff, most, () => Promise.resolve());
  brokenOff.destroy(new Error('hung up'));
  await expect(failed).rejects.toThrow('hung up');
  expect(await sizeOf(smallBodyBytes + 100_000)).toBe(smallBodyBytes + 100_000);
});
