import { printable } from './errors.js';
import type { Expectation, Finding } from './expectation.js';

/** Rows as read from a data file: every value is text or what JSON holds. */
export type Row = Record<string, unknown>;

/**
 * Judges a suite over all rows. Every expectation that some row fails is a finding; it refuses the set when the
 * share of failing rows is above `maxFailureRate`. Faults of the whole set (columns, rows, classes) always refuse.
 */
export function judgeData(
  rows: readonly Row[],
  columns: readonly string[],
  suite: readonly Expectation[],
  maxFailureRate: number,
): Finding[] {
  return suite.flatMap((expectation) => {
    const found = check(expectation, rows, columns);
    if (found === undefined) return [];
    return [{ expectation, ...found, refused: found.share > maxFailureRate }];
  });
}

type Found = Pick<Finding, 'message' | 'failed' | 'share' | 'rows'>;

function check(e: Expectation, rows: readonly Row[], columns: readonly string[]): Found | undefined {
  switch (e.kind) {
    case 'columns':
      return missingColumns(e.columns, columns);
    case 'rows':
      return rowCount(e, rows.length);
    default:
      if (!columns.includes(e.column))
        return whole(`column \`${e.column}\` is missing: columns are ${columns.join(', ')}`);
      return ofColumn(e, rows);
  }
}

function ofColumn(e: Exclude<Expectation, { kind: 'columns' | 'rows' }>, rows: readonly Row[]): Found | undefined {
  if (e.kind === 'unique') return duplicates(e.column, rows);
  if (e.kind === 'classes') return tooFewClasses(e, rows);
  return perRow(e, rows);
}

function tooFewClasses(e: { column: string; min: number }, rows: readonly Row[]): Found | undefined {
  const { size } = new Set(rows.map((r) => text(r[e.column])).filter((v) => v !== ''));
  return size >= e.min ? undefined : whole(`column \`${e.column}\` has ${size} classes, at least ${e.min} are needed`);
}

function perRow(
  e: Extract<Expectation, { kind: 'notEmpty' | 'oneOf' | 'number' }>,
  rows: readonly Row[],
): Found | undefined {
  if (e.kind === 'notEmpty') return failing(rows, e.column, (r) => text(r[e.column]).trim() === '', 'have no value');
  if (e.kind === 'oneOf') {
    const known = new Set(e.values);
    const unknown = new Set<string>();
    const found = failing(
      rows,
      e.column,
      (r) => {
        const value = text(r[e.column]);
        if (value === '' || known.has(value)) return false;
        unknown.add(value);
        return true;
      },
      'have an unknown value',
    );
    return found && { ...found, message: `${found.message}; unknown are ${[...unknown].slice(0, 5).join(', ')}` };
  }
  const outside = (value: number) =>
    !Number.isFinite(value) || value < (e.min ?? -Infinity) || value > (e.max ?? Infinity);
  return failing(
    rows,
    e.column,
    (r) => outside(text(r[e.column]).trim() === '' ? Number.NaN : Number(r[e.column])),
    `have no number${range(e)}`,
  );
}

function range(e: { min?: number; max?: number }): string {
  if (e.min === undefined && e.max === undefined) return '';
  return ` from ${e.min ?? '-∞'} to ${e.max ?? '∞'}`;
}

function missingColumns(wanted: readonly string[], columns: readonly string[]): Found | undefined {
  const missing = wanted.filter((c) => !columns.includes(c));
  if (missing.length === 0) return undefined;
  return whole(`columns ${missing.map((c) => `\`${c}\``).join(', ')} are missing: columns are ${columns.join(', ')}`);
}

function rowCount(e: { min?: number; max?: number }, count: number): Found | undefined {
  if (count >= (e.min ?? 0) && count <= (e.max ?? Infinity)) return undefined;
  return whole(`${count} rows, allowed are ${e.min ?? 0} to ${e.max ?? 'any number'}`);
}

function duplicates(column: string, rows: readonly Row[]): Found | undefined {
  const seen = new Set<string>();
  return failing(
    rows,
    column,
    (r) => {
      const value = text(r[column]);
      const again = seen.has(value);
      seen.add(value);
      return again;
    },
    'repeat a value',
  );
}

/** The rows that fail, the first with its value: who reads of one among a million must not search for it. */
function failing(rows: readonly Row[], column: string, fails: (row: Row) => boolean, what: string): Found | undefined {
  const at: number[] = [];
  let failed = 0;
  rows.forEach((row, i) => {
    if (!fails(row)) return;
    failed += 1;
    if (at.length < 20) at.push(i + 1);
  });
  const [first] = at;
  if (first === undefined) return undefined;
  const value = printable(text(rows[first - 1]?.[column]), 40);
  const message = `${failed} rows ${what} in \`${column}\`: first row ${first}${value === '' ? '' : `, \`${value}\``}`;
  return { message, failed, share: failed / rows.length, rows: at };
}

function whole(message: string): Found {
  return { message, failed: 0, share: 1, rows: [] };
}

function text(value: unknown): string {
  return value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}
