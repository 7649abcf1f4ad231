import { describe, expect, test } from 'vitest';
import { comparePlans } from '../../plan/compare-plans.js';
import { differences } from '../../plan/stage-definition.js';
import type { Stage } from '../../plan/plan.js';
import { trainingPlan } from '../operations/plan-view/plans.js';

const plan = trainingPlan();
const withStage = (id: string, change: object) =>
  trainingPlan({ stages: plan.stages.map((s) => (s.id === id ? ({ ...s, ...change } as Stage) : s)) });

describe('two plans', () => {
  test('are the same when only the place in the source differs', () => {
    const moved = withStage('train', { source: { file: 'other.ts', line: 9, column: 9 } });
    expect(comparePlans(plan, moved)).toEqual({ pipeline: [], stages: [] });
  });

  test('differ by the pointer of each changed value', () => {
    const slower = withStage('sign-off', {
      settings: { by: ['leads', 'ops'], quorum: 2, withinMs: 1_000, onTimeout: 'reject' },
    });
    expect(comparePlans(plan, slower).stages).toEqual([
      {
        stage: 'sign-off',
        change: 'changed',
        differences: [
          { at: '/settings/by', before: ['leads'], now: ['leads', 'ops'] },
          { at: '/settings/quorum', before: 1, now: 2 },
        ],
      },
    ]);
  });

  test('differ by code, by stages that came and by stages that went', () => {
    const folders = { 'trainers/iris': { sha256: '9'.repeat(64), bytes: 1, requirements: 'e'.repeat(64) } };
    const recoded = trainingPlan({ code: { pipeline: plan.code.pipeline, folders } });
    expect(comparePlans(plan, recoded).stages.map((s) => [s.stage, s.differences[0]?.at])).toEqual([
      ['train', '/code/folder'],
      ['evaluate', '/code/folder'],
    ]);
    const shorter = trainingPlan({ stages: plan.stages.slice(0, 3) });
    expect(comparePlans(plan, shorter).stages).toEqual([{ stage: 'sign-off', change: 'removed', differences: [] }]);
    expect(comparePlans(shorter, plan).stages).toEqual([{ stage: 'sign-off', change: 'added', differences: [] }]);
  });

  test('differ by owner, version, schedule and params', () => {
    expect(comparePlans(plan, trainingPlan({ owner: 'ml', version: '2.0.0' })).pipeline).toEqual([
      { at: '/owner', before: null, now: 'ml' },
      { at: '/version', before: null, now: '2.0.0' },
    ]);
  });
});

test('differences tell an absent value from null', () => {
  expect(differences({ a: null }, {})).toEqual([{ at: '/a', before: null, now: undefined }]);
  expect(differences({ a: { b: 1 } }, { a: { b: 1 } })).toEqual([]);
});
