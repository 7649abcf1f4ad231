import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { progressTeller } from '../../activities/job-progress.js';
import type { Progress } from '../../adapters/trainer/port.js';

const minute = 60_000;
const day = 24 * 60 * minute;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Passes an epoch a minute on for a day, by as many workers as `tries` says; answers what each listener heard. */
async function trained(tries = 1): Promise<{ each: Progress[]; run: Progress[] }> {
  const heard = { each: [] as Progress[], run: [] as Progress[] };
  const told = { since: Date.now(), progress: null as Progress | null, news: 0 };
  const to = {
    each: async (progress: Progress) => void heard.each.push(progress),
    run: async (progress: Progress) => void heard.run.push(progress),
  };
  for (let worker = 0; worker < tries; worker++) {
    const tell = progressTeller(told, to);
    for (let ms = 0; ms < day / tries; ms += 20_000) {
      vi.setSystemTime(Date.now() + 20_000);
      told.progress = { epoch: Math.floor((Date.now() - told.since) / minute) };
      tell(told.progress);
      await settled();
    }
  }
  return heard;
}

test('every change of a training is told once, and the run three times in a day: twelve events, twenty with its own', async () => {
  const { each, run } = await trained();
  expect(each).toEqual(Array.from({ length: 1_441 }, (_, epoch) => ({ epoch })));
  expect(run).toEqual([{ epoch: 0 }, { epoch: 5 }, { epoch: 120 }]);
});

test('another worker tells nothing twice', async () => {
  const { each, run } = await trained(3);
  expect(new Set(each.map((p) => p['epoch'])).size).toBe(each.length);
  expect(run).toEqual([{ epoch: 0 }, { epoch: 5 }, { epoch: 120 }]);
});

test('a listener that is slow or fails holds nothing up, and hears the next numbers', async () => {
  const heard: Progress[] = [];
  let release = (): void => undefined;
  const each = (progress: Progress): Promise<void> => {
    heard.push(progress);
    return new Promise((_, refuse) => (release = () => refuse(new Error('away'))));
  };
  await new MockActivityEnvironment().run(async () => {
    const tell = progressTeller({ since: Date.now(), progress: null, news: 0 }, { each });
    tell({ epoch: 1 });
    tell({ epoch: 2 });
    release();
    await settled();
    tell({ epoch: 3 });
  });
  expect(heard).toEqual([{ epoch: 1 }, { epoch: 3 }]);
});
