import { describe, expect, test } from 'vitest';
import { attemptText, interruptionText, withAttempt, type AttemptView } from '../../plan/job-told.js';

const taken: AttemptView = { attempt: 1, ended: 'failed', code: 'E_TRAINER_LOST', interrupted: true };
const done: AttemptView = { attempt: 2, ended: 'done' };

describe('an attempt that was ended from outside', () => {
  test('is an interruption once the next goes on from a checkpoint, and none when that begins anew', () => {
    expect(withAttempt([taken], { ...done, resumedAt: 'epoch 3' }).more).toBe(1);
    expect(withAttempt([taken], { ...done, resumedAt: null }).more).toBe(1);
    expect(withAttempt([taken], done).more).toBe(0);
  });

  test('is none when it failed by itself, whatever the next one found', () => {
    const { interrupted: _, ...failed } = taken;
    expect(withAttempt([failed], { ...done, resumedAt: 'epoch 3' }).more).toBe(0);
  });

  test('adds to those that its trainer counted within the job', () => {
    const next: AttemptView = { attempt: 2, ended: 'failed', interruptions: 2, resumedAt: 'epoch 3' };
    expect(withAttempt([taken], next).more).toBe(3);
  });
});

test('the last ten attempts are kept', () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ ...taken, attempt: i + 1 }));
  const { attempts } = many.reduce((all, next) => withAttempt(all.attempts, next), {
    attempts: [] as AttemptView[],
    more: 0,
  });
  expect(attempts.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('people read how often, where it went on, and what each attempt cost', () => {
  const cost = { amount: 0.12, currency: 'EUR', seconds: 120, jobs: 1 };
  expect(interruptionText(undefined)).toBe('');
  expect(interruptionText(1, [taken, { ...done, resumedAt: 'epoch 3' }])).toBe('1 interruption, resumed at epoch 3');
  expect(interruptionText(2, [taken, { ...done, resumedAt: null }])).toBe('2 interruptions');
  expect(attemptText({ ...taken, cost })).toBe('attempt 1 interrupted (E_TRAINER_LOST), 0.12 EUR');
  expect(attemptText({ ...done, resumedAt: null })).toBe('attempt 2 done, resumed from a checkpoint');
});
