import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { FailedJob } from '../../activities/failed-job.js';
import { tellingResumption } from '../../activities/resumption.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import type { JobTold } from '../../plan/job-told.js';
import { fakeStore } from '../../testing/fakes/store.js';

const [earlier, key] = ['a'.repeat(64), 'b'.repeat(64)];
let store: ReturnType<typeof fakeStore>;
beforeEach(() => {
  store = fakeStore();
});
const keep = (document: unknown) =>
  store.put('checkpoints/1/latest.json', new TextEncoder().encode(JSON.stringify(document)));
const told = (attempt: number, run: () => Promise<JobTold> = () => Promise.resolve({})) => {
  const spec = { checkpoints: store.uri('checkpoints/1/'), identity: { run: 'r', stage: 's', attempt } };
  return new MockActivityEnvironment().run(() => tellingResumption(store, spec as JobSpec, key, run));
};

describe('a job tells from where it went on', () => {
  test('by what the command had said when the checkpoint was stored that it found', async () => {
    await keep({ key: earlier, files: [], progress: { epoch: 3, loss: 0.5 } });
    expect(await told(2)).toEqual({ resumedAt: 'epoch 3' });
    await keep({ key, files: [], progress: { epoch: 9 }, restored: { progress: { loss: 0.5 } } });
    expect(await told(2)).toEqual({ resumedAt: 'loss 0.5' });
    await keep({ key: earlier, files: [] });
    expect(await told(2)).toEqual({ resumedAt: null });
  });

  test('when it was begun again as the same job', async () => {
    await keep({ key, files: [], progress: { step: 700 } });
    const interruptions = 1;
    expect(await told(1, () => Promise.resolve({ interruptions }))).toEqual({ interruptions, resumedAt: 'step 700' });
  });

  test('when it failed, too', async () => {
    await keep({ key: earlier, files: [], progress: { epoch: 3 } });
    const fault = { code: 'E_TRAINER_EXIT', where: 'job', message: 'ended', fix: 'mend it' };
    const failing = () => Promise.reject(new FailedJob(fault, { adapter: 'process', transient: true }));
    await expect(told(2, failing)).rejects.toMatchObject({ facts: { adapter: 'process', resumedAt: 'epoch 3' } });
  });
});

describe('a job tells nothing', () => {
  test('of a first attempt, of its own checkpoint and of none', async () => {
    expect(await told(2)).toEqual({});
    await keep({ key, files: [], progress: { epoch: 9 } });
    expect(await told(2)).toEqual({});
    await keep({ key: earlier, files: [], progress: { epoch: 3 } });
    expect(await told(1)).toEqual({});
  });

  test('of what cannot be read, and does not fail by it', async () => {
    await keep('nonsense');
    expect(await told(2)).toEqual({});
  });
});
