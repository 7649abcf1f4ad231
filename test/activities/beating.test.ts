import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { beating, keepBeating } from '../../activities/beating.js';

/** Runs work in an activity and collects its heartbeats. */
async function beatsOf(work: () => Promise<unknown>): Promise<unknown[]> {
  const beats: unknown[] = [];
  const environment = new MockActivityEnvironment();
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  await environment.run(work);
  await sleep(2_100);
  return beats;
}

describe('a silent wait', () => {
  test('beats at once and every two seconds, and no more once it is over', async () => {
    expect(await beatsOf(() => beating(sleep(2_500), { waits: 'for it' }))).toEqual([
      { waits: 'for it' },
      { waits: 'for it' },
    ]);
  });

  test('of work that is mostly short beats only when it is not', async () => {
    expect(await beatsOf(() => keepBeating(sleep(10)))).toEqual([]);
    expect(await beatsOf(() => keepBeating(sleep(2_500)))).toEqual([undefined]);
  });

  test('gives back what the work gives, and throws what it throws', async () => {
    const environment = new MockActivityEnvironment();
    expect(await environment.run(() => keepBeating(Promise.resolve(7)))).toBe(7);
    await expect(environment.run(() => keepBeating(Promise.reject(new Error('down'))))).rejects.toThrow('down');
  });
});
