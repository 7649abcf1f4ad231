import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { durationMs, formatDuration, parseDuration } from '../../plan/duration.js';

describe('a duration', () => {
  test.each([
    ['250ms', 250],
    ['15s', 15_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['3d', 259_200_000],
    ['1w', 604_800_000],
    ['0s', 0],
  ])('of %s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(durationMs(text)).toBe(ms);
  });

  test.each(['', '15', 's', '-1s', '1 s', '1S', '1y', '1e3s', '.5s', '1s ', '1s\n', 'constructor'])(
    'is not written as %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
      expect(() => durationMs(text)).toThrow(RangeError);
    },
  );
});

describe('for people, a duration', () => {
  test.each([
    [0, '0ms'],
    [999, '999ms'],
    [999.7, '1s'],
    [1_000, '1s'],
    [59_999, '1m'],
    [90_000, '1m 30s'],
    [3_600_000, '1h'],
    [90_061_000, '1d 1h'],
  ])('of %d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is off by less than a twentieth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60_000, max: 10 * 604_800_000 }), (ms) => {
        const read = formatDuration(ms)
          .split(' ')
          .reduce((sum, part) => sum + durationMs(part), 0);
        expect(Math.abs(read - ms) / ms).toBeLessThan(0.05);
      }),
    );
  });
});
