import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { SlipwayError } from '../../plan/errors.js';
import type { Row } from '../../plan/judge-data.js';
import type { SplitSettings } from '../../plan/plan.js';
import { heldBits, heldOut, inSourceOrder } from '../../plan/split.js';
import { intentRows, intents } from './intent-fixture.js';

const columns = ['id', 'group', 'label', 'text', 'intent', 'template'];
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

interface Parts {
  train: Row[];
  holdout: Row[];
}

async function split(rows: readonly Row[], settings: Omit<SplitSettings, 'seed'> & { seed?: number }): Promise<Parts> {
  const held = await heldOut({ rows, columns }, { seed: 42, ...settings }, 'file:x.csv');
  return { train: rows.filter((_, i) => !held[i]), holdout: rows.filter((_, i) => held[i]) };
}

/** The parts of rows that can be split so. Few rows often cannot: then nothing is to be seen. */
async function splitIfPossible(rows: readonly Row[], settings: SplitSettings): Promise<Parts> {
  return await split(rows, settings).catch((error: unknown) => {
    fc.pre(!(error instanceof SlipwayError && ['E_DATA_CLASSES', 'E_DATA_EMPTY'].includes(error.code)));
    throw error;
  });
}

describe('a split', () => {
  test('puts every row into exactly one part, in its order, and no part is empty', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, settingsOf, async (rows, settings) => {
        const { train, holdout } = await splitIfPossible(rows, settings);
        expect([train.length, holdout.length]).not.toContain(0);
        const order = (part: Row[]) => part.map((row) => rows.indexOf(row as (typeof rows)[number]));
        expect([...order(train), ...order(holdout)].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
        expect(order(train)).toEqual(order(train).toSorted((a, b) => a - b));
        expect(order(holdout)).toEqual(order(holdout).toSorted((a, b) => a - b));
      }),
    );
  });

  test('keeps groups together, stratified or not', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, settingsOf, async (rows, settings) => {
        const { train, holdout } = await splitIfPossible(rows, { ...settings, by: 'group' });
        const held = new Set(holdout.map((row) => row['group']));
        expect(train.filter((row) => held.has(row['group']))).toEqual([]);
      }),
    );
  });

  test('is the same for the same rows and seed', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, settingsOf, async (rows, settings) => {
        const first = await splitIfPossible(rows, settings);
        expect(await split(structuredClone(rows), settings)).toEqual(first);
      }),
    );
  });

  test('has both classes in both parts', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, settingsOf, async (rows, settings) => {
        const { train, holdout } = await splitIfPossible(rows, { ...settings, by: 'id', stratify: 'label' });
        const classes = (part: Row[]) => [...new Set(part.map((row) => row['label']))].filter((c) => c !== '').sort();
        expect(classes(train)).toEqual(classes(holdout));
      }),
    );
  });

  test('is another one for another seed', async () => {
    const rows = intentRows();
    const heldWith = async (seed: number) => (await split(rows, { holdout: 0.3, seed })).holdout;
    expect(await heldWith(42)).not.toEqual(await heldWith(43));
  });

  test('holds out the share that was asked for, within each label', async () => {
    const { train, holdout } = await split(intentRows(), { holdout: 0.3, stratify: 'intent' });
    expect([train.length, holdout.length]).toEqual([700, 300]);
    const heldOf = (intent: string) => holdout.filter((row) => row['intent'] === intent).length;
    expect(intents.map(heldOf)).toEqual(intents.map(() => 30));
  });

  test('does not follow the order of the rows', async () => {
    const { holdout } = await split(intentRows(), { holdout: 0.5 });
    const firstHalf = holdout.filter((row) => Number(String(row['text']).split(' ')[1]) < 500).length;
    expect(firstHalf).toBeGreaterThan(200);
    expect(firstHalf).toBeLessThan(300);
  });

  test('leads back to the order of the source', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (held) => {
        const part = (is: boolean) => held.flatMap((h, row) => (h === is ? [row] : []));
        expect(inSourceOrder(part(false), part(true), heldBits(held))).toEqual(held.map((_, row) => row));
      }),
    );
  });
});

describe('a split that cannot be made is refused', () => {
  const twenty = Array.from({ length: 20 }, (_, i) => ({ id: i, group: `P${i % 5}`, label: i % 2 ? 'yes' : 'no' }));
  const faultOf = async (rows: readonly Row[], settings: Omit<SplitSettings, 'seed'>) => {
    const error = await split(rows, settings).then(
      () => 'it was split',
      (reason: unknown) => reason,
    );
    if (!(error instanceof SlipwayError)) throw error;
    const [{ code, where, message } = { code: '', where: '', message: '' }, ...others] = error.faults;
    expect([where, others]).toEqual(['file:x.csv', []]);
    return `${code} ${message}`;
  };

  test.each(['by', 'stratify'])('when `%s` names a column that is not there', async (option) => {
    expect(await faultOf(twenty, { holdout: 0.3, [option]: 'lable' })).toBe(
      `E_DATA_COLUMNS \`split.${option}\` names an unknown column \`lable\`: known are ${columns.join(', ')}; did you mean \`label\`?`,
    );
  });

  test.each([
    [{ id: 1 }, '{"id":1}'],
    [['a', 'b'], '["a","b"]'],
  ])('when a value of its column is %j', async (value, text) => {
    const rows = twenty.map((row, i) => (i === 2 ? { ...row, group: value } : row));
    for (const option of ['by', 'stratify'])
      expect(await faultOf(rows, { holdout: 0.3, [option]: 'group' })).toBe(
        `E_DATA_COLUMNS \`split.${option}\` names the column \`group\`, which holds more than a text or a number: ${text} in row 3`,
      );
  });

  test('when classes are too small for both parts, which are named', async () => {
    const rows = [...twenty, { id: 20, label: 'maybe' }, { id: 21, label: 'never' }, { id: 22, label: '' }];
    for (const holdout of [0.3, 0.7])
      expect(await faultOf(rows, { holdout, stratify: 'label' })).toBe(
        `E_DATA_CLASSES \`split.holdout\` ${holdout} leaves one part without \`maybe\` (1), \`never\` (1): these values of \`label\` have too few rows`,
      );
    const many = Array.from({ length: 12 }, (_, i) => ({ label: `c${i}` }));
    expect(await faultOf(many, { holdout: 0.5, stratify: 'label' })).toContain('`c9` (1) and 2 others: ');
  });

  test('when the groups of a class are too few, however many rows they have', async () => {
    const rows = twenty.map((row) => ({ ...row, label: row.group === 'P0' ? 'rare' : 'usual' }));
    expect(await faultOf(rows, { holdout: 0.3, by: 'group', stratify: 'label' })).toBe(
      'E_DATA_CLASSES `split.holdout` 0.3 leaves one part without `rare` (1): these values of `label` have too few groups of `group`',
    );
  });

  test('when a part would have no row, which is named with the option', async () => {
    expect(await faultOf(twenty.slice(0, 1), { holdout: 0.3 })).toBe(
      'E_DATA_EMPTY `split.holdout` 0.3 of 1 row leaves no row for the holdout part',
    );
    expect(await faultOf(twenty.slice(0, 2), { holdout: 0.9 })).toBe(
      'E_DATA_EMPTY `split.holdout` 0.9 of 2 rows leaves no row for the train part',
    );
    const one = twenty.map((row) => ({ ...row, group: 'P0' }));
    expect(await faultOf(one, { holdout: 0.3, by: 'group' })).toBe(
      'E_DATA_EMPTY `split.holdout` 0.3 of 20 rows in 1 group of `group` leaves no row for the holdout part',
    );
  });

  test('but not for rows without a class, nor for values that are numbers', async () => {
    const rows: Row[] = [...twenty.map((row) => ({ ...row, label: row.id % 2 })), { id: 20, label: null }, { id: 21 }];
    const { train, holdout } = await split(rows, { holdout: 0.3, stratify: 'label' });
    expect([train.length, holdout.length]).toEqual([15, 7]);
  });
});
