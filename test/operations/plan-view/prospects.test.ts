import { describe, expect, test } from 'vitest';
import { longestPath, typicalDurations } from '../../../operations/plan-view/estimate.js';
import { prospects, type Asked } from '../../../operations/plan-view/prospects.js';
import type { Plan, Stage } from '../../../plan/plan.js';
import { recordOf, trainingPlan } from './plans.js';

const data = { snapshot: '1'.repeat(64) };
const past = [{ record: recordOf('dev:iris:1'), plan: trainingPlan(), data }];
const asked: Asked = { plan: trainingPlan(), digest: 'x', params: { epochs: 3 }, data, past };
const seen = (changes: Partial<Asked>) =>
  Object.fromEntries([...prospects({ ...asked, ...changes })].map(([id, p]) => [id, [p.prospect, p.because]]));
const changed = (id: string, change: Partial<Stage>): Plan =>
  trainingPlan({ stages: trainingPlan().stages.map((s) => (s.id === id ? ({ ...s, ...change } as Stage) : s)) });

describe('a plan says what is cached', () => {
  test('when code, params, data and lock are those of a past run', () => {
    expect(prospects(asked).get('train')).toEqual({
      prospect: 'cached',
      because: 'nothing it depends on has changed',
      from: 'dev:iris:1',
    });
    expect(seen({})['evaluate']?.[0]).toBe('cached');
    expect(seen({})['sign-off']).toEqual(['runs', 'never cached']);
  });

  test('and what each of the four changes makes run again', () => {
    const folders = { 'trainers/iris': { sha256: '9'.repeat(64), bytes: 1, requirements: 'e'.repeat(64) } };
    const lock = { 'trainers/iris': { sha256: 'd'.repeat(64), bytes: 1, requirements: '9'.repeat(64) } };
    const { pipeline } = trainingPlan().code;
    expect(seen({ plan: trainingPlan({ code: { pipeline, folders } }) })['train']).toEqual([
      'runs',
      'its code changed',
    ]);
    expect(seen({ plan: trainingPlan({ code: { pipeline, folders: lock } }) })['train']?.[0]).toBe('runs');
    expect(seen({ params: { epochs: 4 } })['train']).toEqual(['runs', 'param epochs changed']);
    expect(seen({ data: { snapshot: '2'.repeat(64) } })['train']).toEqual(['runs', 'snapshot: its data changed']);
    expect(seen({ params: { epochs: 4 } })['evaluate']).toEqual(['runs', 'train: param epochs changed']);
  });

  test('takes an older run when that is the one that fits', () => {
    const newer = { record: recordOf('dev:iris:2', 10, 9), plan: trainingPlan(), data };
    expect(prospects({ ...asked, past: [newer, ...past] }).get('train')?.from).toBe('dev:iris:1');
  });

  test('does not claim what it cannot know', () => {
    expect(seen({ data: {} })['train']?.[0]).toBe('unknown');
    expect(seen({ past: [] })['train']).toEqual(['runs', 'no earlier run is known']);
  });

  test('follows what a stage says about its cache', () => {
    expect(seen({ plan: changed('train', { cache: false }) })['train']).toEqual(['runs', 'never cached']);
    expect(seen({ plan: changed('train', { cache: false }) })['evaluate']?.[0]).toBe('unknown');
  });
});

describe('an estimate', () => {
  test('is the median of past runs, cached stages left out', () => {
    const records = [recordOf('a', 10), recordOf('b', 20), recordOf('c', 90)];
    expect(typicalDurations(records).get('train')).toBe(20_000);
    const reused = recordOf('d', 1);
    const cached = { ...reused, stages: reused.stages.map((s) => ({ ...s, status: 'cached' as const })) };
    expect(typicalDurations([cached]).size).toBe(0);
  });

  test('takes the longest way, not the sum', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => ({ ...trainingPlan().stages[0], id, needs: [] as string[] }));
    const stages = [a, { ...b, needs: ['a'] }, { ...c, needs: ['a'] }, { ...d, needs: ['b', 'c'] }] as Stage[];
    const ms: Record<string, number> = { a: 1, b: 10, c: 100, d: 1_000 };
    expect(longestPath(stages, (s) => ms[s.id] ?? 0)).toBe(1_101);
  });
});
