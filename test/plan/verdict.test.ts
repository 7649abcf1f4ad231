import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type Verdict, worst } from '../../plan/verdict.js';

test.each<[Verdict[], Verdict]>([
  [[], 'pass'],
  [['pass', 'pass'], 'pass'],
  [['pass', 'inconclusive'], 'inconclusive'],
  [['error', 'inconclusive', 'pass'], 'error'],
  [['inconclusive', 'fail', 'error'], 'fail'],
])('the worst of %j is %s', (verdicts, expected) => {
  expect(worst(verdicts)).toBe(expected);
});

test('only passes make a pass, in whatever order they come', () => {
  const verdict = fc.constantFrom<Verdict>('pass', 'fail', 'inconclusive', 'error');
  fc.assert(
    fc.property(fc.array(verdict), (verdicts) => {
      expect(worst(verdicts) === 'pass').toBe(verdicts.every((v) => v === 'pass'));
      expect(worst(verdicts.toReversed())).toBe(worst(verdicts));
    }),
  );
});
