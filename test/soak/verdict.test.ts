import { describe, expect, test } from 'vitest';
import type { Sample } from './sample.js';
import { judge, slope } from './verdict.js';

const perHour = 120;
const warmUpHours = 0.5;

/** Samples each 30 s. Memory swings as a heap that is collected now and then, descriptors as connections come and go. */
function samples(hours: number, grown: (hours: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: hours * perHour }, (_, i) => {
    const at = i / perHour;
    const { inUseKb = 300_000, descriptors = 80, ...more } = grown(at);
    return {
      hours: at,
      threads: 20,
      children: 1,
      cached: 100,
      rssKb: inUseKb + 40_000,
      ...more,
      inUseKb: inUseKb + 15_000 * ((at * 7.3) % 1),
      descriptors: descriptors + (i % 4),
    };
  });
}

describe('a soak of four hours', () => {
  test('is flat where memory only swings, however much it grew in the warm-up', () => {
    const found = judge(
      samples(4, (h) => ({ inUseKb: 300_000 * Math.min(1, 0.5 + h) })),
      warmUpHours,
    );
    expect(found).toMatchObject({ verdict: 'flat', samples: 420, mostCached: 100, mostChildren: 1 });
    expect(found.inUse.low).toBeLessThan(0);
    expect(found.inUse.high).toBeGreaterThan(0);
  });

  test.each([
    ['memory grows by 2 % per hour', (h: number) => ({ inUseKb: 300_000 * (1 + 0.02 * h) })],
    ['three descriptors more are open each hour', (h: number) => ({ descriptors: 80 + Math.floor(3 * h) })],
    ['more workflows stay in memory than may', () => ({ cached: 101 })],
  ])('tells that %s', (_, grown) => {
    expect(judge(samples(4, grown), warmUpHours).verdict).toBe('grows');
  });
});

describe('a soak that is too short', () => {
  test('decides nothing', () => {
    expect(
      judge(
        samples(1, () => ({})),
        warmUpHours,
      ).verdict,
    ).toBe('undecided');
  });

  test('for twenty samples is refused', () => {
    expect(() =>
      judge(
        samples(0.6, () => ({})),
        warmUpHours,
      ),
    ).toThrow(/12 samples after the warm-up/);
  });
});

test('a slope lies within its bounds, which are narrow where nothing swings', () => {
  const found = slope(Array.from({ length: 100 }, (_, i) => [i / 10, 5 + 3 * (i / 10)]));
  expect(found.perHour).toBeCloseTo(3, 9);
  expect(found.high - found.low).toBeLessThan(1e-9);
});
