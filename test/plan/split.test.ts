import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Row } from '../../plan/judge-data.js';
import { splitRows } from '../../plan/split.js';
import { intentRows, intents } from './intent-fixture.js';

const rowsOf = fc.array(
  fc.record({ id: fc.nat(), group: fc.constantFrom('a', 'b', 'c', 'd', 'e'), label: fc.constantFrom('x', 'y', '') }),
  { minLength: 1, maxLength: 60 },
);
const settingsOf = fc.record(
  {
    holdout: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    by: fc.constant('group'),
    stratify: fc.constant('label'),
  },
  { requiredKeys: ['holdout', 'seed'] },
);

describe('a split', () => {
  test('puts every row into exactly one part, in its order', () => {
    fc.assert(
      fc.property(rowsOf, settingsOf, (rows, settings) => {
        const { train, holdout } = splitRows(rows, settings);
        const order = (part: Row[]) => part.map((row) => rows.indexOf(row as (typeof rows)[number]));
        expect([...order(train), ...order(holdout)].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
        expect(order(train)).toEqual(order(train).toSorted((a, b) => a - b));
        expect(order(holdout)).toEqual(order(holdout).toSorted((a, b) => a - b));
      }),
    );
  });

  test('keeps groups together, stratified or not', () => {
    fc.assert(
      fc.property(rowsOf, settingsOf, (rows, settings) => {
        const { train, holdout } = splitRows(rows, { ...settings, by: 'group' });
        const held = new Set(holdout.map((row) => row['group']));
        expect(train.filter((row) => held.has(row['group']))).toEqual([]);
      }),
    );
  });

  test('is the same for the same rows and seed', () => {
    fc.assert(
      fc.property(rowsOf, settingsOf, (rows, settings) => {
        expect(splitRows(structuredClone(rows), settings)).toEqual(splitRows(rows, settings));
      }),
    );
  });

  test('is another one for another seed', () => {
    const rows = intentRows();
    const split = (seed: number) => splitRows(rows, { holdout: 0.3, seed }).holdout;
    expect(split(42)).not.toEqual(split(43));
  });

  test('holds out the share that was asked for, within each label', () => {
    const { train, holdout } = splitRows(intentRows(), { holdout: 0.3, seed: 42, stratify: 'intent' });
    expect([train.length, holdout.length]).toEqual([700, 300]);
    const heldOf = (intent: string) => holdout.filter((row) => row['intent'] === intent).length;
    expect(intents.map(heldOf)).toEqual(intents.map(() => 30));
  });

  test('does not follow the order of the rows', () => {
    const { holdout } = splitRows(intentRows(), { holdout: 0.5, seed: 42 });
    const firstHalf = holdout.filter((row) => Number(String(row['text']).split(' ')[1]) < 500).length;
    expect(firstHalf).toBeGreaterThan(200);
    expect(firstHalf).toBeLessThan(300);
  });
});
