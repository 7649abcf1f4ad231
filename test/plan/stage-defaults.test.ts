import { expect, test } from 'vitest';
import { durationMs } from '../../plan/duration.js';
import { beatMs, limitsText, loadingHeartbeat, retryOf, stageDefaults } from '../../plan/stage-defaults.js';

test('a stage of several attempts that does not say when waits as any such stage does', () => {
  expect(retryOf({ timeoutMs: 1, attempts: 1 })).toBeNull();
  expect(retryOf({ timeoutMs: 1, attempts: 2 })).toEqual({ waitMs: 1_000, backoff: 2, maxMs: 3_600_000 });
  const own = { waitMs: 5_000, backoff: 1, maxMs: 5_000 };
  expect(retryOf({ timeoutMs: 1, attempts: 2, retry: own })).toEqual(own);
});

test('the limits of a stage are shown with every default', () => {
  expect(limitsText({ timeoutMs: 7_200_000, attempts: 1, retry: null })).toEqual(['time limit 2h', '1 attempt']);
  expect(limitsText({ timeoutMs: null, attempts: 1, retry: null })).toEqual(['1 attempt']);
  expect(limitsText({ timeoutMs: 60_000, attempts: 3, retry: retryOf({ timeoutMs: 1, attempts: 3 }) })).toEqual([
    'time limit 1m',
    '3 attempts',
    '1s between them, each time 2 times as long, at most 1h',
  ]);
});

test('work says at least twice within any limit that it lives', () => {
  const limits = Object.values(stageDefaults).flatMap(({ heartbeat }) => [heartbeat.usual, heartbeat.fast]);
  for (const limit of [...limits, loadingHeartbeat]) expect(durationMs(limit)).toBeGreaterThanOrEqual(2 * beatMs);
});
