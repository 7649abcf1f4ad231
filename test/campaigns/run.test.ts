import { describe, expect, test } from 'vitest';
import type { Result } from '../faults/schedule.js';
import type { Piece } from './campaign.js';
import { type Limits, runPieces } from './run.js';
import { summarise } from './summary.js';

const held: Result = { name: 'a', faults: 1, fired: 1, finished: true, violations: [], seconds: 1 };

/** Pieces that take their time on a clock of their own, and note that they began. */
function course(limits: Partial<Limits> = {}) {
  let clock = 0;
  const begun: string[] = [];
  const stop = new AbortController();
  const piece = (name: string, seconds: number, more: Partial<Piece> = {}): Piece => ({
    name,
    seconds,
    run: () => {
      begun.push(name);
      clock += seconds * 1_000;
      return Promise.resolve({ ...held, name, seconds });
    },
    ...more,
  });
  const all: Limits = {
    lanes: 1,
    until: 100_000,
    first: true,
    signal: stop.signal,
    tell: () => undefined,
    now: () => clock,
    ...limits,
  };
  return { begun, piece, stop, run: (...pieces: Piece[]) => runPieces(pieces, all) };
}

describe('pieces with a limit of time', () => {
  test('are begun while they fit; a short one still may when a long one does not', async () => {
    const { piece, run, begun } = course();
    const { skipped } = await run(piece('a', 60), piece('b', 50), piece('c', 40), piece('d', 10));
    expect(begun).toEqual(['a', 'c']);
    expect(skipped.map(({ name }) => name)).toEqual(['b', 'd']);
  });

  test('are one at the least, but not in a later round', async () => {
    const first = course();
    await first.run(first.piece('a', 500), first.piece('b', 500));
    expect(first.begun).toEqual(['a']);
    const later = course({ first: false });
    await later.run(later.piece('a', 500));
    expect(later.begun).toEqual([]);
  });

  test('leave time for those that run alone, which come last', async () => {
    const { piece, run, begun } = course();
    await run(piece('alone', 25, { alone: true }), piece('a', 50), piece('b', 25), piece('c', 25));
    expect(begun).toEqual(['a', 'b', 'alone']);
  });

  test('are not begun once somebody wants the end', async () => {
    const { piece, run, begun, stop } = course();
    const ends = piece('a', 1, { run: () => (stop.abort(), Promise.resolve(held)) });
    const { results, skipped } = await run(ends, piece('b', 1));
    expect([results.length, skipped.length, begun]).toEqual([1, 1, []]);
  });
});

test('a piece that cannot run is a result that says why', async () => {
  const { piece, run } = course();
  const { results } = await run(piece('a', 1, { run: () => Promise.reject(new Error('no stack')) }));
  expect(results).toMatchObject([{ name: 'a', finished: false, violations: ['it could not run: no stack'] }]);
});

describe('a course passes', () => {
  const results = (n: number, other: Partial<Result>, count: number) =>
    Array.from({ length: n }, (_, i) => (i < count ? { ...held, ...other } : held));

  test('when nine of ten faults happened, or all but two', () => {
    expect(summarise(results(30, { fired: 0 }, 3), 0).ok).toBe(true);
    expect(summarise(results(30, { fired: 0 }, 4), 0)).toMatchObject({ ok: false, failed: 1, passed: 30 });
    expect(summarise(results(5, { fired: 0 }, 2), 0).ok).toBe(true);
    expect(summarise(results(2, { fired: 0 }, 2), 0).ok).toBe(false);
  });

  test('when every run has ended and nothing is violated', () => {
    expect(summarise(results(20, {}, 0), 3)).toMatchObject({ ok: true, passed: 20, failed: 0, skipped: 3 });
    expect(summarise(results(20, { finished: false }, 1), 0)).toMatchObject({ ok: false, failed: 1 });
    expect(summarise(results(20, { violations: ['I-01: two'] }, 2), 0)).toMatchObject({ ok: false, failed: 2 });
  });

  test('only when something ran', () => {
    expect(summarise([], 5).ok).toBe(false);
  });
});
