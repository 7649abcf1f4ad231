import { describe, expect, test } from 'vitest';

import { analysisText, judgeAnalysis } from '../../plan/judge-analysis.js';
import { confidenceRule, fallbackRule, latencyRule, moments, rates } from './rules.js';

describe('a fallback rate of 9/100 against 36/900', () => {
  const measured = rates([9, 100], [36, 900]);

  test('fails an absolute maximum of 8 %, with the numbers', () => {
    const row = judgeAnalysis(fallbackRule({ max: 0.08 }), measured);
    expect(row).toMatchObject({
      name: 'fallback',
      verdict: 'fail',
      reason: '0.09 is above the maximum 0.08',
      candidate: { value: 0.09, samples: 100 },
      champion: { value: 0.04, samples: 900 },
    });
  });

  test('is inconclusive against a margin of three points, with p = 0.25', () => {
    const row = judgeAnalysis(fallbackRule({ margin: 0.03 }), measured);
    expect(row.verdict).toBe('inconclusive');
    expect(Number(/p = ([\d.]+)/.exec(row.reason)?.[1])).toBeCloseTo(0.25, 2);
  });

  test('fails when both limits are set: the absolute one needs no comparison', () => {
    expect(judgeAnalysis(fallbackRule({ max: 0.08, margin: 0.03 }), measured).verdict).toBe('fail');
  });
});

describe('a small sample of 2/20', () => {
  test('is inconclusive below the minimum of 50, although it is above the maximum', () => {
    const row = judgeAnalysis(fallbackRule({ max: 0.08, minSamples: 50 }), rates([2, 20], [36, 900]));
    expect(row).toMatchObject({ verdict: 'inconclusive', reason: '20 of at least 50 samples' });
  });
});

describe('a healthy canary: the same 4 % in both', () => {
  const rule = fallbackRule({ max: 0.08, margin: 0.03 });
  const afterRequests = (n: number) => judgeAnalysis(rule, rates([0.04 * n, n], [0.36 * n, 9 * n]));

  test('stays inconclusive until the evidence is there, then passes and keeps passing', () => {
    expect(afterRequests(100)).toMatchObject({ verdict: 'inconclusive', champion: { value: 0.04, samples: 900 } });
    expect(afterRequests(125).verdict).toBe('inconclusive');
    expect(afterRequests(150)).toMatchObject({ verdict: 'pass' });
    expect(afterRequests(1_000).verdict).toBe('pass');
  });

  test('asks for more evidence at a higher confidence', () => {
    const strict = { ...rule, confidence: 0.999 };
    expect(judgeAnalysis(strict, rates([6, 150], [54, 1_350])).verdict).toBe('inconclusive');
    expect(judgeAnalysis(strict, rates([40, 1_000], [360, 9_000])).verdict).toBe('pass');
  });

  test('with equal confidence passes the mean too', () => {
    const measured = { candidate: moments(0.82, 0.15, 100), champion: moments(0.82, 0.15, 900) };
    expect(judgeAnalysis(confidenceRule({ margin: 0.05 }), measured).verdict).toBe('pass');
  });
});

describe('a mean confidence of 0.70 against 0.82', () => {
  const measured = { candidate: moments(0.7, 0.15, 100), champion: moments(0.82, 0.15, 900) };

  test('fails a margin of 0.05, naming the metric', () => {
    const row = judgeAnalysis(confidenceRule({ margin: 0.05 }), measured);
    expect(row).toMatchObject({ name: 'confidence', verdict: 'fail' });
    expect(row.reason).toContain('worse than the champion by 0.12, 0.05 allowed');
  });

  test('fails an absolute minimum, and passes one below it', () => {
    expect(judgeAnalysis(confidenceRule({ min: 0.75 }), measured)).toMatchObject({
      verdict: 'fail',
      reason: '0.7 is below the minimum 0.75',
    });
    expect(judgeAnalysis(confidenceRule({ min: 0.65 }), measured).verdict).toBe('pass');
  });

  test('is inconclusive while the values scatter too much to tell', () => {
    const scattered = { candidate: moments(0.7, 0.9, 100), champion: moments(0.82, 0.9, 900) };
    expect(judgeAnalysis(confidenceRule({ margin: 0.05 }), scattered).verdict).toBe('inconclusive');
  });
});

describe('a quantile', () => {
  const measured = (candidate: number | null, champion: number | null) => ({
    candidate: { kind: 'quantile' as const, value: candidate, samples: 200 },
    champion: { kind: 'quantile' as const, value: champion, samples: 1_800 },
  });

  test('is judged against its maximum and against the ratio to the champion', () => {
    const rule = latencyRule({ max: 250, ratio: 1.2 });
    expect(judgeAnalysis(rule, measured(110, 100)).verdict).toBe('pass');
    expect(judgeAnalysis(rule, measured(130, 100))).toMatchObject({
      verdict: 'fail',
      reason: "130 against 120 allowed (1.2 × the champion's 100)",
    });
    expect(judgeAnalysis(rule, measured(260, 300)).verdict).toBe('fail');
  });

  test('that is no number is an error, and one of the champion is inconclusive', () => {
    expect(judgeAnalysis(latencyRule({ max: 250 }), measured(null, 100)).verdict).toBe('error');
    expect(judgeAnalysis(latencyRule({ ratio: 1.2 }), measured(110, null)).verdict).toBe('inconclusive');
  });
});

describe('what could not be measured', () => {
  test('is an error with its reason, never a pass', () => {
    const row = judgeAnalysis(fallbackRule({ max: 0.08 }), { candidate: null, champion: null, reason: 'timed out' });
    expect(row).toMatchObject({ verdict: 'error', reason: 'timed out', candidate: { value: null, samples: 0 } });
    expect(row.champion).toBeNull();
  });

  test.each([
    ['no data', { ...rates([4, 100], [0, 0]), champion: null }, 'the champion has no data to compare with'],
    ['no requests', rates([4, 100], [0, 0]), 'the champion has no data to compare with'],
  ])('at the champion (%s) is inconclusive for a comparison', (_, measured, reason) => {
    expect(judgeAnalysis(fallbackRule({ margin: 0.03 }), measured)).toMatchObject({ verdict: 'inconclusive', reason });
    expect(judgeAnalysis(fallbackRule({ max: 0.08 }), measured).verdict).toBe('pass');
  });

  test('in the same way for both is an error', () => {
    const mixed = { candidate: moments(0.8, 0.1, 100), champion: { kind: 'rate' as const, events: 4, total: 100 } };
    expect(judgeAnalysis(confidenceRule({ margin: 0.05 }), mixed).verdict).toBe('error');
  });

  test('without requests at all, when no minimum is asked, is still no pass', () => {
    expect(judgeAnalysis(fallbackRule({ max: 0.08, minSamples: 0 }), rates([0, 0], [36, 900])).verdict).toBe('error');
  });
});

test('rules read as people say them', () => {
  expect(analysisText(fallbackRule({ max: 0.08, margin: 0.03 }))).toBe(
    "rate at most 0.08, not above the champion's by more than 0.03 (at least 100 samples)",
  );
  expect(analysisText(confidenceRule({ min: 0.6, margin: 0.05 }))).toBe(
    "mean at least 0.6, not lower than the champion's by more than 0.05 (at least 50 samples)",
  );
  expect(analysisText(latencyRule({ max: 250, ratio: 1.2 }))).toBe(
    "p95 at most 250, at most 1.2 × the champion's (at least 50 samples)",
  );
});
