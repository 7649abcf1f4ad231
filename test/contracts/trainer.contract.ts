import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import type { JobSpec, JobState, Trainer } from '../../adapters/trainer/port.js';

/** What a test wants a job to do. */
export type Behaviour =
  /** Writes `model/model.txt` and `metrics.json`, says `trained`. */
  | 'succeeds'
  /** Says `cannot learn` and ends with 3. */
  | 'fails'
  /** Ends with 75: try again. */
  | 'fails for now'
  /** Ends with 0 and leaves nothing. */
  | 'leaves nothing'
  /** Says `running`, then runs until it is stopped. */
  | 'runs';

/** Jobs that run until they are stopped, and say when they begin where no trainer looks. */
export interface CountedJobs {
  job(): JobSpec;
  /** How often the command of this key really began. */
  begun(key: string): Promise<number>;
}

export interface TrainerHarness {
  trainer: Trainer;
  job(behaviour: Behaviour): JobSpec;
  counted: CountedJobs;
  /** Ends the job's processes as a crash of the machine would, so that nothing can be written any more. */
  crash(job: string): Promise<void>;
}

const key = (): string => randomBytes(32).toString('hex');

/** What every trainer must do. */
export function describeTrainer(name: string, open: () => Promise<TrainerHarness>): void {
  describe(`trainer ${name}`, () => {
    let harness: TrainerHarness;
    let trainer: Trainer;
    beforeAll(async () => {
      harness = await open();
      trainer = harness.trainer;
    });
    const ended = async (job: string): Promise<JobState> => {
      await expect
        .poll(async () => (await trainer.poll(job)).phase, { timeout: 100_000, interval: 100 })
        .not.toBe('running');
      return trainer.poll(job);
    };
    const says = async (job: string, text: string): Promise<void> => {
      await expect.poll(async () => (await trainer.logs(job)).text, { timeout: 100_000, interval: 50 }).toContain(text);
    };

    test('runs a job to its end and tells what it left behind', async () => {
      const jobKey = key();
      const job = await trainer.start(harness.job('succeeds'), jobKey);
      const state = await ended(job);
      const sha256 = createHash('sha256').update('weights').digest('hex');
      expect(state).toMatchObject({
        phase: 'succeeded',
        manifest: { format: 1, key: jobKey, metrics: { accuracy: 0.75, recall: { a: 0.5 } } },
      });
      const files = state.phase === 'succeeded' ? state.manifest.files : [];
      expect(files.find(({ path }) => path === 'model/model.txt')).toMatchObject({ sha256, bytes: 7 });
      expect((await trainer.logs(job)).text).toContain('trained');
    });

    test('tells why a job failed, with its last words', async () => {
      const state = await ended(await trainer.start(harness.job('fails'), key()));
      expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_EXIT', transient: false } });
      expect(state.phase === 'failed' && state.failure.message).toContain('cannot learn');
    });

    test('calls a failure transient when the job says so', async () => {
      const state = await ended(await trainer.start(harness.job('fails for now'), key()));
      expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_EXIT', transient: true } });
    });

    test('does not believe a job that leaves nothing', async () => {
      const state = await ended(await trainer.start(harness.job('leaves nothing'), key()));
      expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CONTRACT', transient: false } });
    });

    test('gives the same job for the same key, also when both start at once, and its command begins once', async () => {
      const { counted } = harness;
      const jobKey = key();
      expect(await trainer.find(jobKey)).toBe('absent');
      const [one, two] = await Promise.all([
        trainer.start(counted.job(), jobKey),
        trainer.start(counted.job(), jobKey),
      ]);
      expect(two).toBe(one);
      expect(await trainer.find(jobKey)).toEqual({ job: one });
      expect(await trainer.start(counted.job(), jobKey)).toBe(one);
      await says(one, 'running');
      // What was started before a job that has ended has begun by now.
      await ended(await trainer.start(harness.job('succeeds'), key()));
      expect(await counted.begun(jobKey)).toBe(1);
      await trainer.stop(one);
    });

    test('stops a job, twice, and says that it was stopped', async () => {
      const job = await trainer.start(harness.job('runs'), key());
      await says(job, 'running');
      expect(await trainer.poll(job)).toMatchObject({ phase: 'running' });
      await trainer.stop(job);
      await trainer.stop(job);
      expect(await trainer.poll(job)).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED' } });
    });

    test('does not start a stopped job again', async () => {
      const jobKey = key();
      const job = await trainer.start(harness.job('runs'), jobKey);
      await trainer.stop(job);
      expect(await trainer.start(harness.job('runs'), jobKey)).toBe(job);
      expect(await trainer.poll(job)).toMatchObject({ phase: 'failed' });
    });

    test('leaves a job alone that ended before it was stopped', async () => {
      const job = await trainer.start(harness.job('succeeds'), key());
      await ended(job);
      await trainer.stop(job);
      expect(await trainer.poll(job)).toMatchObject({ phase: 'succeeded' });
    });

    test('says that a job is lost when nobody can tell how it ended', async () => {
      const job = await trainer.start(harness.job('runs'), key());
      await says(job, 'running');
      await harness.crash(job);
      expect(await trainer.poll(job)).toMatchObject({ phase: 'lost' });
    });
  });
}
