import { describe, expect, test } from 'vitest';

import type { GateRule } from '../../plan/gate-rule.js';
import { doubted, gateText, judgeGateRule, metricAt } from '../../plan/judge-gate.js';
import { intentScores } from './intent-fixture.js';

const noWorse: GateRule = { kind: 'noWorseThanChampion', metric: ['accuracy'], by: 0.005, better: 'higher' };
const better: GateRule = { kind: 'betterThanChampion', metric: ['accuracy'], by: 0.005, better: 'higher' };

describe('a challenger against a champion of 0.93 with a tolerance of 0.005', () => {
  const champion = { accuracy: 0.93 };

  test.each([
    [0.92, 'fail'],
    [0.925, 'pass'],
    [0.928, 'pass'],
    [0.94, 'pass'],
  ] as const)('of %d is judged %s', (accuracy, verdict) => {
    const row = judgeGateRule(noWorse, { accuracy }, champion);
    expect(row).toMatchObject({ verdict, value: accuracy, champion: 0.93 });
    expect(row.threshold).toBeCloseTo(0.925, 12);
  });

  test('of 0.928 fails where only a better one is allowed', () => {
    expect(judgeGateRule(better, { accuracy: 0.928 }, champion).verdict).toBe('fail');
    expect(judgeGateRule(better, { accuracy: 0.935 }, champion).verdict).toBe('pass');
  });

  test('turns round for a metric where lower is better', () => {
    const rule: GateRule = { kind: 'noWorseThanChampion', metric: ['loss'], by: 0.1, better: 'lower' };
    expect(judgeGateRule(rule, { loss: 0.6 }, { loss: 0.5 }).verdict).toBe('pass');
    expect(judgeGateRule(rule, { loss: 0.61 }, { loss: 0.5 }).verdict).toBe('fail');
  });
});

describe('a first model', () => {
  test('answers for absolute rules only', () => {
    const absolute: GateRule = { kind: 'atLeast', metric: ['accuracy'], value: 0.9 };
    expect(judgeGateRule(noWorse, { accuracy: 0.5 }, null)).toMatchObject({ verdict: 'pass', threshold: null });
    expect(judgeGateRule(absolute, { accuracy: 0.5 }, null)).toMatchObject({ verdict: 'fail', threshold: 0.9 });
  });

  test('without the metric is an error all the same', () => {
    expect(judgeGateRule(noWorse, {}, null).verdict).toBe('error');
  });
});

describe('a gate fails closed', () => {
  test.each([{}, { accuracy: Number.NaN }, { accuracy: { of: 1 } }])('on the scores %j', (scores) => {
    for (const kind of ['atLeast', 'atMost'] as const) {
      expect(judgeGateRule({ kind, metric: ['accuracy'], value: 0.9 }, scores, null).verdict).toBe('error');
    }
    expect(judgeGateRule(noWorse, scores, { accuracy: 0.9 }).verdict).toBe('error');
  });

  test('on a champion without the metric', () => {
    expect(judgeGateRule(noWorse, { accuracy: 0.99 }, { f1: 0.9 }).verdict).toBe('error');
  });

  test('on a metric that only the prototype has', () => {
    expect(metricAt({ recall: { a: 1 } }, ['recall', 'constructor'])).toBeNull();
    expect(metricAt({ recall: { a: 1 } }, ['__proto__', 'a'])).toBeNull();
    expect(metricAt({ recall: { a: 1 } }, ['recall', 'a'])).toBe(1);
  });
});

describe('a critical intent is guarded', () => {
  const rules: GateRule[] = [
    { kind: 'noWorseThanChampion', metric: ['macroF1'], by: 0.005, better: 'higher' },
    { kind: 'atLeast', metric: ['recall', 'cancel_order'], value: 0.9 },
    { kind: 'noWorseThanChampion', metric: ['recall', 'cancel_order'], by: 0.02, better: 'higher' },
  ];
  const [v1, good, bad] = [intentScores('v1'), intentScores('v2-good'), intentScores('v2-bad')];

  test('by data in which the bad version is better on the whole', () => {
    expect(v1.recall['cancel_order']).toBeCloseTo(0.93, 2);
    expect(bad.recall['cancel_order']).toBeCloseTo(0.8, 10);
    expect(bad.macroF1 - v1.macroF1).toBeCloseTo(0.02, 2);
    expect(good.macroF1 - v1.macroF1).toBeCloseTo(0.01, 2);
  });

  test('so that the bad version fails, naming it', () => {
    const failed = rules.map((rule) => judgeGateRule(rule, bad, v1)).filter((row) => row.verdict === 'fail');
    expect(failed.map((row) => row.text)).toEqual([
      'recall.cancel_order at least 0.9',
      'recall.cancel_order not worse than the champion by more than 0.02',
    ]);
    expect(failed[0]).toMatchObject({ value: bad.recall['cancel_order'], threshold: 0.9 });
  });

  test('and the good version passes every rule', () => {
    expect(rules.map((rule) => judgeGateRule(rule, good, v1).verdict)).toEqual(['pass', 'pass', 'pass']);
  });
});

test('rules read as people say them', () => {
  expect(gateText({ kind: 'atMost', metric: ['loss'], value: 2 })).toBe('loss at most 2');
  expect(gateText(better)).toBe('accuracy better than the champion by at least 0.005');
});

describe('a perfect metric', () => {
  const auc: GateRule = { kind: 'atLeast', metric: ['auc'], value: 0.9 };
  const loss: GateRule = { kind: 'noWorseThanChampion', metric: ['loss'], by: 0, better: 'lower' };
  const judged = (rule: GateRule, scores: Record<string, number>, rows?: number, deny = false) =>
    doubted(judgeGateRule(rule, scores, null), rows, deny);

  test('is noted with the number of rows, and fails where that is asked for', () => {
    expect(judged(auc, { auc: 1 }, 3)).toMatchObject({
      verdict: 'pass',
      suspicious: 'auc is exactly 1 on 3 rows, too good to be true',
    });
    expect(judged(auc, { auc: 1 }, 3, true)).toMatchObject({ verdict: 'fail', value: 1 });
    expect(judged(auc, { auc: 1 }).suspicious).toBe('auc is exactly 1, too good to be true');
  });

  test('is 0 where lower is better', () => {
    expect(judged(loss, { loss: 0 }, 3).suspicious).toContain('exactly 0');
    expect(judged({ kind: 'atMost', metric: ['loss'], value: 1 }, { loss: 0 }).suspicious).toContain('exactly 0');
    expect(judged({ kind: 'atMost', metric: ['loss'], value: 1 }, { loss: 1 })).not.toHaveProperty('suspicious');
  });

  test('is not one that is nearly so, nor that of one member of a group', () => {
    expect(judged(auc, { auc: 0.9999 }, 3, true)).not.toHaveProperty('suspicious');
    const member: GateRule = { kind: 'atLeast', metric: ['recall', 'yes'], value: 0.9 };
    expect(doubted(judgeGateRule(member, { recall: { yes: 1 } }, null), 3, true).verdict).toBe('pass');
  });

  test('stays what it was when it is an error or a no already', () => {
    expect(judged({ ...auc, value: 2 }, { auc: 1 }, 3, true).verdict).toBe('fail');
    expect(judged(auc, {}, 3, true).verdict).toBe('error');
  });
});
