import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cron, daily, definePipeline, hourly, weekly } from '../../authoring/index.js';
import type { ScheduleDraft } from '../../authoring/index.js';
import { planDigest } from '../../authoring/packing/complete-plan.js';
import { recordPipeline } from '../../authoring/record.js';
import type { Plan } from '../../plan/plan.js';

const params = z.strictObject({ epochs: z.int().min(1).default(3), lr: z.number().optional() });

function record(schedule?: ScheduleDraft) {
  const options = schedule === undefined ? { params } : { params, schedule };
  const definition = definePipeline('test', options, (p) => void p.snapshot('data', { from: 'file:a.csv' }));
  return recordPipeline(definition, import.meta.dirname);
}
const faults = (schedule: ScheduleDraft) => record(schedule).faults.map((f) => `${f.code} ${f.where}: ${f.message}`);

describe('the schedule of a pipeline', () => {
  test.each([
    [weekly('Mon 03:00'), '0 3 * * Mon'],
    [daily('14:05'), '5 14 * * *'],
    [hourly(), '0 * * * *'],
    [hourly(30), '30 * * * *'],
    [cron(['0 3 * * 1', '0 3 * * 4']), '0 3 * * 1|0 3 * * 4'],
  ])('%j is recorded in the plan', (schedule, expected) => {
    expect(record(schedule).plan?.schedule?.cron.join('|')).toBe(expected);
  });

  test('has every default in the plan', () => {
    const schedule = weekly('Mon 03:00', { timezone: 'Europe/Berlin', jitter: '5m', params: { epochs: 9 } });
    expect(record(schedule).plan?.schedule).toEqual({
      cron: ['0 3 * * Mon'],
      timezone: 'Europe/Berlin',
      jitterMs: 300_000,
      overlap: 'skip',
      catchUpMs: 3_600_000,
      pauseOnFailure: false,
      params: { epochs: 9 },
    });
  });

  test('is in the digest; a pipeline without one has the plan that it had before', () => {
    expect(record().plan).not.toHaveProperty('schedule');
    const digest = (schedule?: ScheduleDraft) => planDigest(record(schedule).plan as unknown as Plan);
    expect(digest(daily('03:00'))).not.toBe(digest());
    expect(digest(daily('03:00'))).not.toBe(digest(daily('04:00')));
  });

  test('that is wrong is refused at its pipeline, with all other faults', () => {
    expect(faults(daily('25:61' as never, { timezone: 'Mars/Phobos', catchUp: '1s' }))).toEqual([
      expect.stringMatching(/^E_SCHEDULE schedules\.test\.ts:\d+:\d+: schedule, 61 25 \* \* \*: minute `61`/),
      expect.stringContaining('`Mars/Phobos` is no zone'),
      expect.stringContaining('from 10s to 30d'),
    ]);
    expect(faults(weekly('noon' as never))).toEqual([expect.stringContaining('it never fires')]);
  });

  test('that is no schedule at all is refused', () => {
    expect(faults('daily' as never)).toEqual([expect.stringContaining('E_SCHEMA')]);
    expect(faults({ cron: ['0 3 * * *'], zone: 'UTC' } as never)).toEqual([expect.stringContaining('unknown option')]);
  });

  test('has params that its runs would take', () => {
    expect(faults(daily('03:00', { params: { epochs: 0, epoch: 1 } }))).toEqual([
      expect.stringMatching(/^E_PARAM_TYPE .*\/params\/epochs: expected whole number/),
      expect.stringMatching(/^E_PARAM_NAME .*did you mean `epochs`/),
    ]);
  });
});
