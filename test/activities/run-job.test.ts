import { ActivityCancellationDetails, type ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { defaultActivityInfo, MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { toFailure } from '../../activities/guard.js';
import { runJob, type JobFacts } from '../../activities/run-job.js';
import type { JobSpec, JobState } from '../../adapters/trainer/port.js';
import { SlipwayError } from '../../plan/errors.js';
import { type FakeTrainer, fakeTrainer } from '../../testing/fakes/trainer.js';

/** How long the trainer of these tests must deny a job. */
const absenceMs = 1_000;
const key = 'a'.repeat(64);
const manifest = { files: [], metrics: null };
const spec = {
  command: ['train'],
  hyperparameters: {},
  environment: {},
  identity: { stage: 'train' },
} as unknown as JobSpec;
const outage = () => new SlipwayError({ code: 'E_UNAVAILABLE', message: 'no answer' }, 75);

let trainer: FakeTrainer;
let starts: number;
beforeEach(() => {
  starts = 0;
  trainer = fakeTrainer(() => {
    starts += 1;
    return { ending: 'runs' };
  });
  trainer.absenceMs = absenceMs;
});

const activity = (info: { attempt?: number; heartbeatDetails?: unknown } = {}) =>
  new MockActivityEnvironment({ ...defaultActivityInfo, startToCloseTimeoutMs: 3_600_000, ...info });
const run = (environment = activity()): ReturnType<typeof runJob> => environment.run(() => runJob(trainer, spec, key));
const job = () => [...trainer.jobs.values()][0]!;
const becomes = (state: JobState): void => void (job().state = state);
const done: JobState = { phase: 'succeeded', manifest: { format: 1, key, ...manifest } };
const stopped = { phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED' } };
const cancel = (environment: MockActivityEnvironment): void =>
  environment.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
/** What its heartbeats have told people. */
function notesOf(environment: MockActivityEnvironment): () => (string | null)[] {
  const notes: (string | null)[] = [];
  environment.on('heartbeat', ({ note }: JobFacts) => notes.push(note));
  return () => notes;
}
const errorOf = (refused: Promise<unknown>): Promise<unknown> =>
  refused.then(
    () => undefined,
    (error: unknown) => error,
  );
const codeOf = (refused: Promise<unknown>) =>
  refused.then(
    () => 'none',
    (error: SlipwayError) => error.code,
  );

test('a value that no argument can hold is refused before the trainer is asked', async () => {
  const hostile = { ...spec, hyperparameters: { v: 'a\0b' } };
  trainer.find = () => Promise.reject(new Error('asked'));
  expect(await codeOf(activity().run(() => runJob(trainer, hostile, key)))).toBe('E_ARG');
  expect(starts).toBe(0);
});

describe('a job whose submission got no answer', () => {
  test('is adopted when the trainer shows it late, and not submitted a second time', async () => {
    // The first try: the job is taken, the answer lost, and for a while nobody sees the job.
    const visible = trainer.find;
    const { start } = trainer;
    trainer.start = async (...args) => {
      await start(...args);
      throw outage();
    };
    expect(await codeOf(run())).toBe('E_UNAVAILABLE');
    trainer.start = start;
    const seenFrom = Date.now() + absenceMs / 2;
    trainer.find = (k) => (Date.now() < seenFrom ? Promise.resolve('absent') : visible(k));
    const second = run(activity({ attempt: 2 }));
    await vi.waitUntil(() => Date.now() > seenFrom, { timeout: 100_000 });
    becomes(done);
    expect((await second).manifest.key).toBe(key);
    expect(starts).toBe(1);
  });

  test('is submitted again, by the same key, only after the trainer has denied it for the stated time', async () => {
    const second = run(activity({ attempt: 2 }));
    const began = Date.now();
    await vi.waitUntil(() => starts === 1, { timeout: 120_000, interval: 20 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(absenceMs);
    becomes(done);
    expect((await second).manifest.key).toBe(key);
  });

  test('is submitted at once by the first try', async () => {
    const began = Date.now();
    const first = run();
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    expect(Date.now() - began).toBeLessThan(absenceMs);
    becomes(done);
    await first;
  });
});

describe('a job that the trainer no longer knows', () => {
  test('is waited for: a trainer that forgets for a while loses nothing', async () => {
    const running = run();
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    becomes({ phase: 'lost', reason: '404' });
    const backAt = Date.now() + absenceMs / 2;
    await vi.waitUntil(() => Date.now() > backAt, { timeout: 100_000 });
    becomes(done);
    expect((await running).manifest.key).toBe(key);
  });

  test('is lost after the stated time, and what may be left of it is ended first', async () => {
    const running = codeOf(run());
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    const stop = vi.spyOn(trainer, 'stop');
    becomes({ phase: 'lost', reason: '404' });
    expect(await running).toBe('E_TRAINER_LOST');
    expect(stop).toHaveBeenCalledTimes(1);
  });
});

describe('another worker', () => {
  test('goes on with the job that the heartbeat names, without asking for it', async () => {
    await trainer.start(spec, key);
    trainer.find = () => Promise.reject(new Error('nobody should ask'));
    const next = run(activity({ attempt: 2, heartbeatDetails: { key, job: key.slice(0, 32) } }));
    becomes(done);
    expect((await next).job).toBe(key.slice(0, 32));
  });

  test('does not believe a heartbeat about other work', async () => {
    const next = run(activity({ heartbeatDetails: { key: 'b'.repeat(64), job: 'b'.repeat(32) } }));
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    becomes(done);
    expect((await next).job).toBe(key.slice(0, 32));
  });
});

describe('the heartbeat', () => {
  test('tells the progress of the job', async () => {
    const environment = activity();
    const beats: object[] = [];
    environment.on('heartbeat', (beat: object) => beats.push({ ...beat }));
    const running = run(environment);
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    becomes({ phase: 'running', note: 'epoch 3 of 5', progress: { epoch: 3, loss: 0.25 } });
    const told = { job: key.slice(0, 32), phase: 'running', note: 'epoch 3 of 5', progress: { epoch: 3, loss: 0.25 } };
    await vi.waitUntil(() => beats.some((beat) => JSON.stringify(beat).includes('0.25')), { timeout: 100_000 });
    expect(beats.at(-1)).toMatchObject(told);
    becomes(done);
    await running;
  });

  test('goes on while a trainer takes its time to answer', async () => {
    const environment = activity();
    let beats = 0;
    environment.on('heartbeat', () => beats++);
    const running = run(environment);
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    const { poll } = trainer;
    let answer = (): void => undefined;
    trainer.poll = async (id) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return poll(id);
    };
    const before = beats;
    await vi.waitUntil(() => beats > before + 1, { timeout: 100_000 });
    trainer.poll = poll;
    becomes(done);
    answer();
    await running;
  });
});

describe('a cancelled activity', () => {
  test('returns only when the trainer has confirmed the stop, however often it cannot be reached', async () => {
    const environment = activity();
    const running = run(environment);
    const refused = errorOf(running);
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    const { stop } = trainer;
    let tries = 0;
    trainer.stop = async (id) => {
      tries += 1;
      if (tries < 4) throw outage();
      await stop(id);
    };
    cancel(environment);
    expect(await refused).toBeInstanceOf(CancelledFailure);
    expect(tries).toBe(4);
    expect(job().state).toMatchObject(stopped);
  });

  test.each([
    { seen: 'at once', shownAfterMs: 0 },
    { seen: 'a while later', shownAfterMs: absenceMs / 2 },
  ])(
    'ends the job of a start that was on its way and got no answer, when it is seen $seen',
    async ({ shownAfterMs }) => {
      const environment = activity();
      const { start, find } = trainer;
      let arrive: (() => void) | undefined;
      let shownFrom = Infinity;
      trainer.start = async (...args) => {
        await new Promise<void>((go) => (arrive = go));
        shownFrom = Date.now() + shownAfterMs;
        await start(...args);
        throw outage();
      };
      trainer.find = (k) => (Date.now() < shownFrom ? Promise.resolve('absent') : find(k));
      const refused = errorOf(run(environment));
      await vi.waitUntil(() => arrive !== undefined, { timeout: 100_000 });
      cancel(environment);
      arrive?.();
      expect(await refused).toMatchObject({ details: [{ stopped: true }] });
      expect(job().state).toMatchObject(stopped);
    },
  );

  test('ends the job of an earlier try that is not seen yet', async () => {
    const environment = activity({ attempt: 2 });
    const { find } = trainer;
    let asked = 0;
    let shown = false;
    trainer.find = (k) => (asked++, shown ? find(k) : Promise.resolve('absent'));
    const refused = errorOf(run(environment));
    await vi.waitUntil(() => asked === 1, { timeout: 100_000 });
    cancel(environment);
    await vi.waitUntil(() => asked === 2, { timeout: 100_000 });
    await trainer.start(spec, key);
    shown = true;
    expect(await refused).toMatchObject({ details: [{ stopped: true }] });
    expect(job().state).toMatchObject(stopped);
  });

  test('waits for nothing when no start was on its way', async () => {
    const environment = activity();
    let asked = 0;
    trainer.find = (_key, signal) =>
      asked++ > 0
        ? Promise.resolve('absent')
        : new Promise((_, refuse) => signal?.addEventListener('abort', () => refuse(signal.reason as Error)));
    const refused = errorOf(run(environment));
    await vi.waitUntil(() => asked === 1, { timeout: 100_000 });
    cancel(environment);
    expect(await refused).toMatchObject({ details: [{ stopped: true }] });
    expect({ asked, starts }).toEqual({ asked: 2, starts: 0 });
  });
});

describe('a trainer that refuses to tell of its job', () => {
  const expired = () => new SlipwayError({ code: 'E_TRAINER_ACCESS', message: 'HTTP 401' }, 77);
  const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
  afterEach(() => vi.useRealTimers());

  test('is asked again: the job goes on, and people see why they hear nothing', async () => {
    const environment = activity();
    const notes = notesOf(environment);
    const running = run(environment);
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    const { poll } = trainer;
    trainer.poll = () => Promise.reject(expired());
    await vi.waitUntil(() => notes().some((note) => note?.includes('HTTP 401')), { timeout: 100_000 });
    later(4 * 60_000);
    trainer.poll = poll;
    becomes(done);
    expect((await running).manifest.key).toBe(key);
  });

  test('is believed after five minutes without another answer', async () => {
    const environment = activity();
    const running = codeOf(run(environment));
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    let asked = 0;
    trainer.poll = () => (asked++, Promise.reject(expired()));
    await vi.waitUntil(() => asked > 0, { timeout: 100_000 });
    later(5 * 60_000);
    expect(await running).toBe('E_TRAINER_ACCESS');
  });
});

describe('a job that runs on after its time limit', () => {
  afterEach(() => vi.useRealTimers());
  const minute = 60_000;
  const limited = { ...spec, maxMs: minute };
  const watched = async (since: object) => {
    Object.assign(trainer, { overrunMs: minute });
    return activity({ heartbeatDetails: { key, job: await trainer.start(spec, key), ...since } });
  };
  const twice = async () => {
    const polled = vi.spyOn(trainer, 'poll');
    await vi.waitUntil(() => polled.mock.calls.length > 1, { timeout: 100_000 });
  };

  test('is stopped where its trainer does not see to that, a stated time later', async () => {
    const environment = await watched({ runs: Date.now() - 1.5 * minute });
    const running = codeOf(environment.run(() => runJob(trainer, limited, key)));
    await twice();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minute });
    expect(await running).toBe('E_TRAINER_LIMIT');
    expect(job().state).toMatchObject(stopped);
  });

  test('has not begun while it waits for its place', async () => {
    const environment = await watched({ since: Date.now() - 60 * minute });
    becomes({ phase: 'running', note: 'queued', progress: null, queued: true });
    const running: ReturnType<typeof runJob> = environment.run(() => runJob(trainer, limited, key));
    await twice();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60 * minute });
    await twice();
    becomes(done);
    expect((await running).manifest.key).toBe(key);
  });
});

describe('a failure says that no job is left', () => {
  const detailsOf = (failure: unknown) => (failure as ApplicationFailure).details?.[0];
  const failureOf = async (refused: Promise<unknown>) => detailsOf(toFailure(await errorOf(refused)));
  const fault = (code: string) => new SlipwayError({ code, message: 'no' });

  test.each([
    ['its trainer would not begin it', () => (trainer.start = () => Promise.reject(fault('E_TRAINER_SPEC')))],
    ['what it left is not as it must be', () => (trainer.poll = () => Promise.reject(fault('E_METRIC_INVALID')))],
  ])('when %s', async (_, prepare) => {
    prepare();
    expect(await failureOf(run())).toMatchObject({ stopped: true });
  });

  test('but not when nobody can tell whether it began', async () => {
    trainer.start = () => Promise.reject(fault('E_TRAINER_PROTOCOL'));
    expect(await failureOf(run())).toEqual({ code: 'E_TRAINER_PROTOCOL' });
  });
});
