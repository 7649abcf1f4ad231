import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { type Inbox, openInbox } from '../../../adapters/trainer/http/inbox.js';
import { openHttpTrainer } from '../../../adapters/trainer/http/index.js';
import { silenceMs } from '../../../adapters/trainer/http/silences.js';
import type { Trainer } from '../../../adapters/trainer/port.js';
import { fakeStore } from '../../../testing/fakes/store.js';
import { context, denied, failed, key, running, type Service, startService, succeeded } from './service-fixture.js';

const job = `${key}/j-1`;
let service: Service;
let inbox: Inbox;
let trainer: Trainer;
let messages = 0;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  service.requests.length = 0;
  inbox = openInbox(fakeStore(), 'dev', 'push');
  const callback = { url: 'https://slipway.example.com', keys: ['env:TRAINER_KEY'] as [string] };
  trainer = openHttpTrainer({ ...service.options, timeout: '20s', callback }, context, inbox);
  await inbox.expect(key);
  await inbox.named(key, 'j-1');
});
afterEach(() => {
  vi.useRealTimers();
});

const push = async (data: object): Promise<void> => {
  messages += 1;
  const receivedAt = new Date().toISOString();
  const body = JSON.stringify({ type: 'job', timestamp: receivedAt, data });
  const receipt = await inbox.accept({ id: `msg_${messages}`, body, receivedAt });
  expect(receipt).toEqual({ outcome: 'accepted' });
};
const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
const asked = (): string[] => service.requests.map(({ method, path }) => `${method} ${path.replace(key, 'KEY')}`);
const headers = { 'content-type': 'application/json' };
/** The service takes the stop with one answer and tells of the job with others, the last again and again. */
const answerStop = (taken: object, ...then: [object, ...object[]]): void =>
  service.answer((response, path) => {
    const body = path.endsWith('/stop') ? taken : then.length > 1 ? then.shift() : then[0];
    response.writeHead(200, headers).end(JSON.stringify(body));
  });

describe('a job of a service that pushes', () => {
  test('is told by its news alone while there are any', async () => {
    expect(await trainer.poll(job)).toEqual({ phase: 'running', note: 'no news yet', progress: null });
    for (const epoch of [1, 2, 3]) {
      pass(silenceMs - 1_000);
      await push({ ...running, progress: { epoch } });
      expect(await trainer.poll(job)).toMatchObject({ phase: 'running', progress: { epoch } });
    }
    await push(succeeded);
    pass(10 * silenceMs);
    expect(await trainer.poll(job)).toMatchObject({ phase: 'succeeded' });
    expect(asked()).toEqual([]);
  });

  test.each([
    ['before any news', undefined],
    ['after news', running],
  ])('is asked for after a silence %s, and what the service says counts', async (_, before) => {
    if (before !== undefined) await push(before);
    service.json({ ...running, note: 'asked', progress: { epoch: 4 } });
    expect(await trainer.poll(job)).toMatchObject({ phase: 'running', progress: null });
    pass(silenceMs);
    for (const _again of [1, 2]) {
      expect(await trainer.poll(job)).toEqual({ phase: 'running', note: 'asked', progress: { epoch: 4 } });
    }
    expect(asked()).toEqual(['GET /jobs/KEY']);
    service.json(failed);
    pass(silenceMs);
    expect(await trainer.poll(job)).toMatchObject({ phase: 'failed' });
  });

  test('that is gone is lost after a silence, at every poll', async () => {
    await push(running);
    await trainer.poll(job);
    pass(silenceMs);
    service.json(denied, 404);
    expect(await trainer.poll(job)).toMatchObject({ phase: 'lost' });
    service.json({ format: 1, key, job: 'j-1', phase: 'lost', reason: 'its machine is gone' });
    expect(await trainer.poll(job)).toEqual({ phase: 'lost', reason: 'its machine is gone' });
    expect(await trainer.poll(job)).toMatchObject({ phase: 'lost' });
    await push({ ...running, note: 'back' });
    expect(await trainer.poll(job)).toMatchObject({ phase: 'running', note: 'back' });
  });

  test('cannot be told of while the service is away after a silence', async () => {
    await trainer.poll(job);
    pass(silenceMs);
    service.answer((response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'));
    await expect(trainer.poll(job)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    service.json({ ...running, job: 'j-2' });
    await expect(trainer.poll(job)).rejects.toMatchObject({ code: 'E_TRAINER_PROTOCOL' });
  });

  test('runs on as far as anybody knows when the service only pushes', async () => {
    await push({ ...running, note: 'pushed' });
    await trainer.poll(job);
    pass(silenceMs);
    service.answer((response) => response.writeHead(405).end());
    expect(await trainer.poll(job)).toMatchObject({ phase: 'running', note: 'pushed' });
    expect(asked()).toEqual(['GET /jobs/KEY']);
  });

  test('may be queued by news that come after the service said that it runs', async () => {
    await trainer.poll(job);
    pass(silenceMs);
    service.json(running);
    await trainer.poll(job);
    await push({ ...running, phase: 'queued' });
    expect(await trainer.poll(job)).toMatchObject({ phase: 'running', note: 'queued' });
  });
});

describe('the stop of a job of a service that pushes, while nothing gets through to the gateway', () => {
  test('returns with the answer that says that the job has ended', async () => {
    service.json(failed);
    await trainer.stop(job);
    expect(asked()).toEqual(['POST /jobs/KEY/stop']);
  });

  test('returns once the service, asked, says that the job has ended', async () => {
    await push(running);
    answerStop(running, running, { ...running, phase: 'queued' }, failed);
    await trainer.stop(job);
    expect(asked()).toEqual(['POST /jobs/KEY/stop', ...Array<string>(3).fill('GET /jobs/KEY')]);
  });

  test('is not done while the service says that the job runs, though news called it lost', async () => {
    await push({ format: 1, key, job: 'j-1', phase: 'lost', reason: 'no word of it' });
    answerStop(running, running, failed);
    await trainer.stop(job);
    expect(asked()).toHaveLength(3);
  });

  test('is refused when it is answered for another job', async () => {
    service.json({ ...failed, job: 'j-2' });
    await expect(trainer.stop(job)).rejects.toMatchObject({ code: 'E_TRAINER_PROTOCOL' });
  });
});

test('the stop of a job of a service that only pushes returns with the news of its end', async () => {
  let polled = 0;
  service.answer((response, path) => {
    if (path.endsWith('/stop')) return response.writeHead(200, headers).end(JSON.stringify(running));
    polled += 1;
    return response.writeHead(405).end();
  });
  const stopped = trainer.stop(job);
  await vi.waitFor(() => expect(polled).toBeGreaterThan(1), { timeout: 20_000 });
  await push(failed);
  await stopped;
});

describe('a job whose start was begun and not answered', () => {
  beforeEach(() => {
    inbox = openInbox(fakeStore(), 'dev', 'push');
    const callback = { url: 'https://slipway.example.com', keys: ['env:TRAINER_KEY'] as [string] };
    trainer = openHttpTrainer({ ...service.options, timeout: '20s', callback }, context, inbox);
  });

  test('is found where the service can be asked, and not asked for again', async () => {
    expect(await trainer.find(key)).toBe('absent');
    await inbox.expect(key);
    service.json(running);
    expect(await trainer.find(key)).toEqual({ job });
    expect(await trainer.find(key)).toEqual({ job });
    expect(asked()).toEqual(['GET /jobs/KEY']);
  });

  test('is absent when the service denies it or only pushes, not when somebody else answers 404', async () => {
    await inbox.expect(key);
    service.json(denied, 404);
    expect(await trainer.find(key)).toBe('absent');
    service.answer((response) => response.writeHead(405, { 'content-type': 'text/html' }).end('<html>'));
    expect(await trainer.find(key)).toBe('absent');
    service.answer((response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'));
    await expect(trainer.find(key)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
  });
});
