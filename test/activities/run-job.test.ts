import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { defaultActivityInfo, MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { runJob } from '../../activities/run-job.js';
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
  new MockActivityEnvironment({ ...defaultActivityInfo, ...info });
const run = (environment = activity()): ReturnType<typeof runJob> => environment.run(() => runJob(trainer, spec, key));
const job = () => [...trainer.jobs.values()][0]!;
const becomes = (state: JobState): void => void (job().state = state);
const done: JobState = { phase: 'succeeded', manifest: { format: 1, key, ...manifest } };
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
    environment.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    expect(await refused).toBeInstanceOf(CancelledFailure);
    expect(tries).toBe(4);
    expect(job().state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED' } });
  });

  test('ends a job whose start was cut off before its answer', async () => {
    const environment = activity();
    const { start } = trainer;
    trainer.start = async (...args) => {
      await start(...args);
      return new Promise<string>((_, reject) => {
        environment.context.cancellationSignal.addEventListener('abort', () =>
          reject(environment.context.cancellationSignal.reason as Error),
        );
      });
    };
    const refused = errorOf(run(environment));
    await vi.waitUntil(() => starts === 1, { timeout: 100_000 });
    environment.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    expect(await refused).toBeInstanceOf(CancelledFailure);
    expect(job().state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED' } });
  });
});
