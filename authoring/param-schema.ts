import { z } from 'zod';
import { pointerStep } from '../plan/json.js';
import type { JsonObject } from '../plan/json.js';
import { slowText } from './patterns.js';
import { isIdentifier, show } from './shapes.js';
import type { Finding } from './shapes.js';

type Def = {
  type: string;
  checks?: { _zod: { def: { check: string; format?: string; pattern?: RegExp } } }[];
  coerce?: boolean;
  format?: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
  valueType?: z.ZodType;
  catchall?: z.ZodType;
  shape?: Record<string, z.ZodType>;
};

const plain = new Set(['string', 'number', 'boolean', 'null', 'enum', 'literal']);
const wrappers = new Set(['optional', 'default', 'nullable', 'readonly']);
/** Checks that JSON Schema can say; others, such as `refine`, would be lost silently. */
const survivors = new Set([
  'less_than',
  'greater_than',
  'multiple_of',
  'number_format',
  'min_length',
  'max_length',
  'length_equals',
  'string_format',
]);

const instead: Record<string, string> = {
  pipe: 'transforms run in one place only; take the plain value and compute in a stage',
  transform: 'transforms run in one place only; take the plain value and compute in a stage',
  date: 'take text: z.iso.date() or z.iso.datetime()',
  bigint: 'take z.int(), or text',
  any: 'say what it is; the editor, the command line and the Temporal UI must accept the same',
  unknown: 'say what it is; the editor, the command line and the Temporal UI must accept the same',
  undefined: 'use .optional()',
};

/**
 * JSON Schema of a params schema, with everything in it that would not survive the way there and back.
 * Only what the editor, the command line, a schedule and the Temporal UI can all check is allowed.
 */
export function paramSchema(given: z.ZodType): { schema: JsonObject; wrong: Finding[] } {
  const wrong = isObject(given)
    ? losses(given, '/params')
    : [
        {
          code: 'E_SCHEMA',
          at: '/params',
          message: 'is not a zod object',
          fix: 'write params: z.strictObject({ ... })',
        },
      ];
  if (wrong.length > 0) return { schema: {}, wrong };
  return { schema: z.toJSONSchema(given, { io: 'input', target: 'draft-2020-12' }) as JsonObject, wrong };
}

/**
 * JSON Schema of a value that a task returns, under the same rule: what cannot be said in JSON Schema could not be
 * checked where the value is used. `at` is the pointer that findings start with.
 */
export function valueSchema(given: unknown, at: string): { schema: JsonObject; wrong: Finding[] } {
  const known = (given as { _zod?: object } | undefined)?._zod !== undefined;
  const wrong = known
    ? losses(given as z.ZodType, at)
    : [
        {
          code: 'E_SCHEMA',
          at,
          message: `expects a zod schema, found ${show(given)}`,
          fix: 'write output: z.strictObject({ ... })',
        },
      ];
  if (wrong.length > 0) return { schema: {}, wrong };
  const { $schema: _, ...schema } = z.toJSONSchema(given as z.ZodType, { io: 'output' }) as JsonObject;
  return { schema, wrong };
}

function isObject(given: unknown): boolean {
  return (given as { _zod?: { def?: { type?: string } } } | undefined)?._zod?.def?.type === 'object';
}

function losses(schema: z.ZodType, at: string): Finding[] {
  const def = schema._zod.def as unknown as Def;
  const lost = (def.checks ?? []).filter((check) => !survivors.has(check._zod.def.check));
  const own: Finding[] = lost.map((check) => ({
    code: 'E_SCHEMA',
    at,
    message: `a \`${name(check._zod.def.check)}\` check is lost in JSON Schema`,
    fix: 'use what JSON Schema can say: bounds, lengths, patterns, enums',
  }));
  // The formats that zod knows have patterns of their own.
  for (const { format, pattern } of (def.checks ?? []).map((check) => check._zod.def))
    if (format === 'regex' && pattern !== undefined) own.push(...patternFindings(pattern, at));
  if (def.coerce === true)
    own.push({
      code: 'E_SCHEMA',
      at,
      message: 'coercion is lost in JSON Schema',
      fix: `use z.${def.type}(); the command line already reads numbers and booleans`,
    });
  return [...own, ...inside(def, at)];
}

function patternFindings(pattern: RegExp, at: string): Finding[] {
  const text = slowText(pattern);
  if (text === undefined) return [];
  return [
    {
      code: 'E_REGEX',
      at,
      message: `the pattern ${show(String(pattern))} takes longer than any run on a text that starts with ${show(text.slice(0, 8))}`,
      fix: 'take repetitions out of repetitions: `a+` instead of `(a+)+`',
    },
  ];
}

function inside(def: Def, at: string): Finding[] {
  if (plain.has(def.type)) return [];
  if (wrappers.has(def.type) && def.innerType !== undefined) return losses(def.innerType, at);
  if (def.type === 'array' && def.element !== undefined) return losses(def.element, `${at}/0`);
  if (def.type === 'record' && def.valueType !== undefined) return losses(def.valueType, `${at}/*`);
  if (def.type === 'union') return (def.options ?? []).flatMap((option) => losses(option, at));
  if (def.type === 'object') return objectLosses(def, at);
  return [
    {
      code: 'E_SCHEMA',
      at,
      message: `z.${def.type}() does not survive JSON Schema`,
      fix: instead[def.type] ?? 'use text, numbers, booleans, enums, lists, objects',
    },
  ];
}

function objectLosses(def: Def, at: string): Finding[] {
  const strict = (def.catchall?._zod.def as { type?: string } | undefined)?.type === 'never';
  const own: Finding[] = strict
    ? []
    : [
        {
          code: 'E_SCHEMA',
          at,
          message: 'unknown members would be dropped without a word',
          fix: 'use z.strictObject({ ... })',
        },
      ];
  return Object.entries(def.shape ?? {}).reduce<Finding[]>((all, [member, schema]) => {
    const here = at + pointerStep(member);
    if (!isIdentifier(member))
      all.push({
        code: 'E_PARAM_NAME',
        at: here,
        message: `${show(member)} is not a plain name`,
        fix: 'letters, digits and _, starting with a letter, at most 64 characters',
      });
    return [...all, ...losses(schema, here)];
  }, own);
}

function name(check: string): string {
  return check === 'custom' ? 'refine' : check === 'overwrite' ? 'transform' : check;
}
