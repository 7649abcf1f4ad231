import { z } from 'zod';
import type { Expectation } from '../plan/expectation.js';
import { count, findings, finite, text } from './shapes.js';

/** What must hold for a data set. */
export interface Suite {
  readonly expectations: readonly Expectation[];
}

/** The expectations that a suite is made from. Column names are exact. */
export interface Expectations {
  /** These columns are there; others may be too. */
  columns(...names: string[]): Expectation;
  /** How many rows there are, both bounds included. */
  rows(bounds: { min?: number; max?: number }): Expectation;
  /** The column is never empty. */
  notEmpty(column: string): Expectation;
  /** Every value of the column is one of these. */
  oneOf(column: string, values: readonly string[]): Expectation;
  /** Every value of the column is a finite number within these bounds, both included. */
  number(column: string, bounds?: { min?: number; max?: number }): Expectation;
  /** No value of the column occurs twice. */
  unique(column: string): Expectation;
  /** The column has at least this many distinct values. */
  classes(column: string, bounds: { min: number }): Expectation;
}

const expectations: Expectations = {
  columns: (...columns) => ({ kind: 'columns', columns }),
  rows: (bounds) => ({ kind: 'rows', ...bounds }),
  notEmpty: (column) => ({ kind: 'notEmpty', column }),
  oneOf: (column, values) => ({ kind: 'oneOf', column, values: [...values] }),
  number: (column, bounds = {}) => ({ kind: 'number', column, ...bounds }),
  unique: (column) => ({ kind: 'unique', column }),
  classes: (column, { min }) => ({ kind: 'classes', column, min }),
};

/** A suite of expectations: `suite((d) => [d.columns('text', 'intent'), d.notEmpty('text'), d.rows({ min: 100 })])`. */
export function suite(build: (d: Expectations) => readonly Expectation[]): Suite {
  return { expectations: build(expectations) };
}

const rows = count(0, 1_000_000_000);
const shapes = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('columns'), columns: z.array(text).min(1) }),
  z.strictObject({ kind: z.literal('rows'), min: rows.optional(), max: rows.optional() }),
  z.strictObject({ kind: z.literal('notEmpty'), column: text }),
  z.strictObject({ kind: z.literal('oneOf'), column: text, values: z.array(z.string()).min(1) }),
  z.strictObject({ kind: z.literal('number'), column: text, min: finite().optional(), max: finite().optional() }),
  z.strictObject({ kind: z.literal('unique'), column: text }),
  z.strictObject({ kind: z.literal('classes'), column: text, min: count(1, 1_000_000) }),
]);

/** Shape of a suite, bounds in order included. */
export const suiteShape = z.strictObject({
  expectations: z
    .array(
      z.any().superRefine((given, context) => {
        const found = findings(shapes, given);
        const bounds = given as { min?: number; max?: number };
        if (found.length === 0 && bounds.min !== undefined && bounds.max !== undefined && bounds.min > bounds.max) {
          found.push({ code: 'E_NUMBER', at: '', message: `min ${bounds.min} is above max ${bounds.max}` });
        }
        for (const { code, at, message } of found)
          context.addIssue({ code: 'custom', message, params: { code }, path: at.split('/').slice(1) });
      }),
    )
    .min(1, 'no expectation: a validation that checks nothing'),
});
