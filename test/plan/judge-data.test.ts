import { describe, expect, test } from 'vitest';

import type { Expectation } from '../../plan/expectation.js';
import { judgeData, type Row } from '../../plan/judge-data.js';
import { intentRows, intents } from './intent-fixture.js';

const columns = ['text', 'intent', 'template'];
const suite: Expectation[] = [
  { kind: 'columns', columns },
  { kind: 'rows', min: 500 },
  { kind: 'notEmpty', column: 'intent' },
  { kind: 'oneOf', column: 'intent', values: [...intents] },
  { kind: 'classes', column: 'intent', min: 10 },
];

describe('a data set of a thousand utterances', () => {
  test('that is as expected has no findings', () => {
    expect(judgeData(intentRows(), columns, suite, 0.01)).toEqual([]);
  });

  test('with 6 % of labels empty, an unknown intent and a renamed column has exactly three findings', () => {
    const rows: Row[] = intentRows().map(({ template, ...row }) => ({ ...row, tmpl: template }));
    rows.forEach((row, i) => i % 50 < 3 && (row['intent'] = ''));
    rows[500 + 7] = { ...rows[507], intent: 'cancle_order' };
    const findings = judgeData(rows, ['text', 'intent', 'tmpl'], suite, 0.01);
    expect(findings.map(({ expectation, message, refused }) => [expectation.kind, message, refused])).toEqual([
      ['columns', 'columns `template` are missing: columns are text, intent, tmpl', true],
      ['notEmpty', '60 rows have no value in `intent`: first row 1', true],
      [
        'oneOf',
        '1 rows have an unknown value in `intent`: first row 508, `cancle_order`; unknown are cancle_order',
        false,
      ],
    ]);
    expect(findings[1]).toMatchObject({ failed: 60, share: 0.06 });
    expect(findings[1]?.rows).toHaveLength(20);
    expect(findings[1]?.rows.slice(0, 4)).toEqual([1, 2, 3, 51]);
    expect(findings[2]?.rows).toEqual([508]);
  });

  test('is refused only beyond the allowed share of failing rows', () => {
    const withEmpty = (n: number): Row[] => intentRows().map((row, i) => (i < n ? { ...row, intent: ' ' } : row));
    const judged = (n: number) => judgeData(withEmpty(n), columns, [{ kind: 'notEmpty', column: 'intent' }], 0.01);
    expect(judged(10)).toMatchObject([{ failed: 10, refused: false }]);
    expect(judged(11)).toMatchObject([{ failed: 11, refused: true }]);
  });
});

describe('an expectation', () => {
  const judged = (expectation: Expectation, rows: Row[]) => judgeData(rows, ['a'], [expectation], 0)[0];

  test('of numbers refuses text, emptiness and what lies outside', () => {
    const rows = ['1', 2, '', ' ', 'x', null, Number.NaN, Infinity, -1, 11].map((a) => ({ a }));
    const found = judged({ kind: 'number', column: 'a', min: 0, max: 10 }, rows);
    expect(found).toMatchObject({
      message: '8 rows have no number from 0 to 10 in `a`: first row 3',
      rows: [3, 4, 5, 6, 7, 8, 9, 10],
    });
    expect(judged({ kind: 'number', column: 'a' }, [{ a: '-1e3' }])).toBeUndefined();
    expect(judged({ kind: 'number', column: 'a', min: 3 }, [{ a: 2 }])?.message).toContain('from 3 to ∞');
    expect(judged({ kind: 'number', column: 'a', max: 3 }, [{ a: 4 }])?.message).toContain('from -∞ to 3');
  });

  test('of unique values names every repetition, not the first', () => {
    const found = judged({ kind: 'unique', column: 'a' }, [{ a: 1 }, { a: 2 }, { a: 1 }, { a: '1' }]);
    expect(found).toMatchObject({ failed: 2, rows: [3, 4] });
  });

  test('of classes counts values, not emptiness', () => {
    const rows = [{ a: 'x' }, { a: '' }, { a: null }];
    expect(judged({ kind: 'classes', column: 'a', min: 2 }, rows)).toMatchObject({
      message: 'column `a` has 1 classes, at least 2 are needed',
      refused: true,
    });
  });

  test('of rows has both limits', () => {
    expect(judged({ kind: 'rows', min: 2 }, [{ a: 1 }])?.message).toBe('1 rows, allowed are 2 to any number');
    expect(judged({ kind: 'rows', max: 1 }, [{ a: 1 }, { a: 2 }])).toMatchObject({ refused: true });
    expect(judged({ kind: 'rows', min: 1, max: 1 }, [{ a: 1 }])).toBeUndefined();
  });

  test.each(['notEmpty', 'number', 'unique', 'classes', 'oneOf'] as const)(
    'of the kind %s on a column that is missing says so, however much may fail',
    (kind) => {
      const expectation = { kind, column: 'b', values: [], min: 1 } as unknown as Expectation;
      const [found] = judgeData([{ a: 1 }, { a: 2 }], ['a'], [expectation], 0.99);
      expect(found).toMatchObject({ message: 'column `b` is missing: columns are a', share: 1, refused: true });
    },
  );

  test('of known values leaves emptiness to the one that asks for it, and lists at most five', () => {
    const rows = ['', null, 'b', 'c', 'd', 'e', 'f', 'g', 'a'].map((a) => ({ a }));
    const found = judged({ kind: 'oneOf', column: 'a', values: ['a'] }, rows);
    expect(found?.message).toBe('6 rows have an unknown value in `a`: first row 3, `b`; unknown are b, c, d, e, f');
  });
});
