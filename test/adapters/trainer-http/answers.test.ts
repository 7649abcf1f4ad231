import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { openHttpTrainer } from '../../../adapters/trainer/http/index.js';
import type { Trainer } from '../../../adapters/trainer/port.js';
import type { SlipwayError } from '../../../plan/errors.js';
import { wrongManifests } from '../wrong-manifests.js';
import {
  context,
  denied,
  failed,
  failure,
  key,
  manifest,
  running,
  type Service,
  spec,
  startService,
  succeeded,
  token,
} from './service-fixture.js';

let service: Service;
let trainer: Trainer;
const job = `${key}/j-1`;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(() => {
  trainer = openHttpTrainer(service.options, context);
  service.requests.length = 0;
});

const refusalOf = async (work: Promise<unknown>): Promise<SlipwayError> =>
  work.then(
    (value) => {
      throw new Error(`was believed: ${JSON.stringify(value)}`);
    },
    (error: unknown) => error as SlipwayError,
  );

test('the seconds that a job occupied its machine, of one that ended well and one that failed', async () => {
  service.json({ ...succeeded, seconds: 120.5 });
  expect(await trainer.poll(job)).toMatchObject({ phase: 'succeeded', ranMs: 120_500 });
  const another = openHttpTrainer(service.options, context);
  service.json({ format: 1, key, job: 'j-1', phase: 'failed', failure, seconds: 3 });
  expect(await another.poll(job)).toMatchObject({ phase: 'failed', ranMs: 3_000 });
});

/** How a proxy says what it has to say. */
const strangers: [string, Record<string, string>, string | Buffer][] = [
  ['in HTML', { 'content-type': 'text/html' }, '<html>nginx</html>'],
  ['without a word', {}, ''],
  ['in JSON that is none', { 'content-type': 'application/json' }, '<html>'],
  ['compressed', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, gzipSync('{}')],
];

describe('an answer that is not of the protocol', () => {
  const send = (type: string, body: string | Buffer, more: Record<string, string> = {}) =>
    service.answer((response) => response.writeHead(200, { 'content-type': type, ...more }).end(body));
  const hostile: [string, () => void][] = [
    ['HTML', () => send('text/html', '<html>')],
    ['JSON called text', () => send('text/plain', JSON.stringify(running))],
    [
      'JSON with Infinity',
      () =>
        service.json(
          `{"format":1,"key":"${key}","job":"j-1","phase":"running","note":null,"progress":{"loss":Infinity}}`,
        ),
    ],
    [
      'JSON with NaN',
      () => service.json(JSON.stringify(running).replace('"progress":null', '"progress":{"loss":NaN}')),
    ],
    ['no UTF-8', () => send('application/json', Buffer.from([0x22, 0xff, 0x22]))],
    ['gzip', () => send('application/json', gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' })],
    ['9 MB', () => send('application/json', `"${'a'.repeat(9 << 20)}"`)],
    ['a list', () => service.json([running])],
    ['an unknown phase', () => service.json({ ...running, phase: 'DONE' })],
    ['an unknown field', () => service.json({ ...running, more: 1 })],
    ['progress that is a text', () => service.json({ ...running, progress: { loss: '0.2' } })],
    ['progress of -5 %', () => service.json({ ...running, progress: { progress: -0.05 } })],
    ['progress of 900 %', () => service.json({ ...running, progress: { progress: 9 } })],
    ['an epoch before the first', () => service.json({ ...running, progress: { epoch: -1 } })],
    ['51 numbers', () => service.json({ ...running, progress: Object.fromEntries([...Array(51).keys()].entries()) })],
    ['less than no time', () => service.json({ ...succeeded, seconds: -1 })],
    ['another key', () => service.json({ ...running, key: 'cd'.repeat(32) })],
    ["somebody else's job", () => service.json({ ...running, job: 'j-2' })],
    [
      'a manifest of another key',
      () => service.json({ ...succeeded, manifest: { ...manifest, key: 'cd'.repeat(32) } }),
    ],
    [
      'a failure that is asked for for ever',
      () => service.json({ ...failed, failure: { ...failure, code: 'E_UNAVAILABLE' } }),
    ],
    ['a status that nobody knows', () => service.json({}, 299)],
  ];

  test.each(hostile)('such as %s is refused', async (_, prepare) => {
    prepare();
    const error = await refusalOf(trainer.poll(job));
    expect(error.code).toBe('E_TRAINER_PROTOCOL');
    expect(error.message.length).toBeLessThan(2_000);
  });

  test.each(wrongManifests({ ...manifest, metrics: null }))(
    'such as a manifest %s is refused',
    async (_, wrong, code) => {
      service.json({ ...succeeded, manifest: wrong });
      const error = await refusalOf(trainer.poll(job));
      expect(error.code).toBe(code);
      expect(error.message.length).toBeLessThan(2_000);
    },
  );

  test.each([301, 302, 303, 307, 308])('such as a redirect (%i) is not followed', async (status) => {
    service.answer((response) => response.writeHead(status, { location: `${service.options.url}/elsewhere` }).end());
    expect((await refusalOf(trainer.poll(job))).code).toBe('E_TRAINER_PROTOCOL');
    expect(service.requests).toHaveLength(1);
  });
});

describe('metrics', () => {
  test.each([
    ['a text', { accuracy: '0.93' }],
    ['true', { accuracy: true }],
    ['nothing', { accuracy: null }],
    ['two levels of names', { recall: { a: { b: 1 } } }],
    ['a list', [1]],
    ['5,000 numbers', Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`m${n}`, n]))],
    ['a name of 10 kB', { ['m'.repeat(10_000)]: 1 }],
    ['a metric without a name', { '': 1 }],
  ])('that are %s are called wrong, never coerced', async (_, metrics) => {
    service.json({ ...succeeded, manifest: { ...manifest, metrics } });
    expect((await refusalOf(trainer.poll(job))).code).toBe('E_METRIC_INVALID');
  });

  test('of names as people write them are taken as they are', async () => {
    const metrics = { 'val/accuracy': 0.9, recall: { 'C++': 1, größe: 0.5, '-1': 0.25, "don't know": 0, '': 0.75 } };
    service.json({ ...succeeded, manifest: { ...manifest, metrics } });
    expect(await trainer.poll(job)).toMatchObject({ manifest: { metrics } });
  });

  test('too large for a number are called wrong', async () => {
    service.json(JSON.stringify(succeeded).replace('0.9', '1e999'));
    expect((await refusalOf(trainer.poll(job))).code).toBe('E_METRIC_INVALID');
  });
});

describe('a job', () => {
  test.each([
    [succeeded, running],
    [succeeded, failed],
    [failed, succeeded],
    [running, { ...running, phase: 'queued' }],
  ])('that was $phase is not believed to be $phase afterwards', async (before, after) => {
    service.json(before);
    await trainer.poll(job);
    service.json(after);
    expect((await refusalOf(trainer.poll(job))).message).toContain(`was ${before.phase}`);
  });

  test('tells its progress', async () => {
    service.json({ ...running, note: 'fetching', progress: { epoch: 3, loss: 0.2 } });
    expect(await trainer.poll(job)).toEqual({ phase: 'running', note: 'fetching', progress: { epoch: 3, loss: 0.2 } });
  });

  test('may count its epochs anew, as for another fold', async () => {
    for (const epoch of [4, 0]) {
      service.json({ ...running, progress: { epoch, progress: 0.5, loss: -3 } });
      expect(await trainer.poll(job)).toMatchObject({ progress: { epoch } });
    }
  });

  test('that the service denies in its own words is absent; the 404 of somebody else denies nothing', async () => {
    service.json(denied, 404);
    expect(await trainer.find(key)).toBe('absent');
    expect(await trainer.poll(job)).toMatchObject({ phase: 'lost' });
    service.json({ message: 'no route' }, 404);
    expect((await refusalOf(trainer.find(key))).code).toBe('E_UNAVAILABLE');
    expect((await refusalOf(trainer.poll(job))).code).toBe('E_UNAVAILABLE');
  });

  test.each(strangers)("is not denied by a stranger's 404 %s: find and poll ask again", async (_, type, body) => {
    service.answer((response) => response.writeHead(404, type).end(body));
    expect(await refusalOf(trainer.find(key))).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    expect(await refusalOf(trainer.poll(job))).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  });

  test('is started by its key, with its secrets resolved for this request alone', async () => {
    service.json(running, 201);
    expect(await trainer.start(spec, key)).toBe(job);
    const [sent] = service.requests;
    expect(sent).toMatchObject({ method: 'PUT', path: `/jobs/${key}` });
    expect(sent?.headers).toMatchObject({ 'idempotency-key': key, authorization: `Bearer ${token}` });
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({ key, secrets: { HUB_TOKEN: 'value of env:HUB' } });
  });

  test('of which the answer was lost is found by its key', async () => {
    service.answer((response) => response.destroy());
    expect((await refusalOf(trainer.start(spec, key))).code).toBe('E_UNAVAILABLE');
    service.json(running);
    expect(await trainer.find(key)).toEqual({ job });
  });

  test.each(['', 'j-1', `${key}/../x`, `${'g'.repeat(64)}/j-1`])('is never named %j', async (name) => {
    expect((await refusalOf(trainer.poll(name))).code).toBe('E_TRAINER_JOB');
    expect(service.requests).toHaveLength(0);
  });

  test('is stopped when the service says that it has ended', async () => {
    const answers = [running, running, running, failed];
    service.answer((response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers.shift() ?? failed)),
    );
    await trainer.stop(job);
    expect(answers).toEqual([]);
    expect(service.requests[0]).toMatchObject({ method: 'POST', path: `/jobs/${key}/stop` });
  });

  test('that is denied needs no stop', async () => {
    service.json(denied, 404);
    await trainer.stop(job);
    expect(service.requests).toHaveLength(1);
  });
});

describe('a service', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('that answers %i is asked again later', async (status) => {
    service.answer((response) => response.writeHead(status, { 'content-type': 'text/html' }).end('<html>'));
    expect(await refusalOf(trainer.poll(job))).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    service.answer((response) => response.writeHead(status).end());
    expect(await refusalOf(trainer.poll(job))).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  });

  test.each([
    ['says nothing', () => service.answer(() => undefined)],
    [
      'trickles for ever',
      () =>
        service.answer((response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          const drip = setInterval(() => response.write(' '), 20);
          response.on('close', () => clearInterval(drip));
        }),
    ],
    [
      'breaks off',
      () =>
        service.answer((response) => {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
          response.write('{', () => response.destroy());
        }),
    ],
  ])('that %s is asked again later', async (_, prepare) => {
    prepare();
    expect((await refusalOf(trainer.poll(job))).code).toBe('E_UNAVAILABLE');
  });

  test.each([401, 403])(
    'that refuses the token (%i) is a matter of rights, and the token is not shown',
    async (status) => {
      service.json({ faults: [{ code: 'E_TRAINER_ACCESS', message: `not ${token}` }] }, status);
      const error = await refusalOf(trainer.poll(job));
      expect(error).toMatchObject({ code: 'E_TRAINER_ACCESS', exitCode: 77 });
      expect(error.message).not.toContain(token);
    },
  );

  test.each([401, 403].flatMap((status) => strangers.map((how) => [status, ...how] as const)))(
    'that answers %i %s is a matter of rights',
    async (status, _, type, body) => {
      service.answer((response) => response.writeHead(status, type).end(body));
      expect(await refusalOf(trainer.poll(job))).toMatchObject({ code: 'E_TRAINER_ACCESS', exitCode: 77 });
      expect(await refusalOf(trainer.start(spec, key))).toMatchObject({ code: 'E_TRAINER_ACCESS' });
    },
  );

  test('that has no such method does not speak the protocol', async () => {
    service.answer((response) => response.writeHead(405).end());
    expect((await refusalOf(trainer.poll(job))).code).toBe('E_TRAINER_PROTOCOL');
  });

  test('that refuses a job says why, and is not asked again', async () => {
    service.json(
      { faults: [{ code: 'E_TRAINER_SPEC', message: 'no \u001b[31msuch gpu', where: '/resources/gpu' }] },
      422,
    );
    const error = await refusalOf(trainer.start(spec, key));
    expect(error.code).toBe('E_TRAINER_SPEC');
    expect(error.message).toContain('/resources/gpu');
    expect(error.message).not.toContain('\u001b');
    service.json({ faults: [{ code: 'E_IDEMPOTENCY_MISMATCH', message: 'another job' }] }, 409);
    expect((await refusalOf(trainer.start(spec, key))).code).toBe('E_IDEMPOTENCY_MISMATCH');
  });

  test('is left alone when the caller gives up', async () => {
    service.answer(() => undefined);
    const controller = new AbortController();
    const polled = trainer.poll(job, controller.signal);
    controller.abort();
    await expect(polled).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a log', () => {
  const part = { format: 1, key, job: 'j-1', text: 'a\u001b[2Jb\n', next: 20 };
  test('is read from a byte on, and is printable', async () => {
    service.json(part);
    expect(await trainer.logs(job, { from: 10, bytes: 100 })).toEqual({ text: 'a\\u{1b}[2Jb\n', next: 20 });
    expect(service.requests[0]?.path).toBe(`/jobs/${key}/logs?bytes=100&from=10`);
  });
  test.each([
    ['goes back', { ...part, next: 5 }],
    ['is of another job', { ...part, job: 'j-2' }],
    ['has no text', { ...part, text: 5 }],
  ])('that %s is refused', async (_, body) => {
    service.json(body);
    expect((await refusalOf(trainer.logs(job, { from: 10 }))).code).toBe('E_TRAINER_PROTOCOL');
  });
});
