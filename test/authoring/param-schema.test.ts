import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { paramSchema } from '../../authoring/param-schema.js';

const wrong = (schema: z.ZodType): string[] => paramSchema(schema).wrong.map((f) => `${f.code} ${f.at}: ${f.message}`);
const one = (schema: z.ZodType): string[] => wrong(z.strictObject({ x: schema }));

describe('what JSON Schema cannot say is refused', () => {
  test.each<[string, z.ZodType]>([
    ['refine', z.string().refine((s) => s > 'a')],
    ['superRefine', z.string().superRefine(() => undefined)],
    ['transform', z.string().transform((s) => s.length)],
    ['pipe', z.string().pipe(z.string())],
    ['trim', z.string().trim()],
    ['coerce', z.coerce.number()],
    ['date', z.date()],
    ['bigint', z.bigint()],
    ['any', z.any()],
    ['map', z.map(z.string(), z.string())],
    ['preprocess', z.preprocess((x) => x, z.string())],
    ['inner refine', z.array(z.string().refine(() => true)).optional()],
    ['loose object', z.object({ a: z.string() })],
  ])('%s', (_, schema) => {
    expect(one(schema)).toEqual([expect.stringMatching(/^E_SCHEMA \/params\/x/)]);
  });
  test('several at once, each with its pointer', () => {
    expect(wrong(z.strictObject({ a: z.date(), b: z.strictObject({ c: z.bigint() }) }))).toEqual([
      expect.stringContaining('/params/a:'),
      expect.stringContaining('/params/b/c:'),
    ]);
  });
  test('something else than a strict object', () => {
    expect(wrong(z.string())).toEqual([expect.stringContaining('is not a zod object')]);
    expect(wrong(z.object({}))).toEqual([expect.stringContaining('dropped without a word')]);
  });
  test.each(['constructor', 'a-b', '1a', 'toString'])('the name %s', (name) => {
    expect(wrong(z.strictObject({ [name]: z.string() }))).toEqual([expect.stringContaining('E_PARAM_NAME')]);
  });
});

const kept = z.strictObject({
  text: z.string().min(1).max(5).regex(/^a/).default('abc'),
  whole: z.int().min(1).max(9).optional(),
  part: z.number().gt(0).lte(1).multipleOf(0.25).optional(),
  yes: z.boolean().optional(),
  mode: z.enum(['a', 'b']).optional(),
  fixed: z.literal(7).optional(),
  either: z.union([z.int(), z.literal('auto')]).optional(),
  none: z.string().nullable().optional(),
  list: z.array(z.number()).min(1).max(2).optional(),
  day: z.iso.date().optional(),
  scores: z.record(z.string(), z.number()).optional(),
  nested: z.strictObject({ depth: z.int() }).optional(),
});

/** The editor (zod), the worker (zod again, from JSON Schema) and other tools (JSON Schema) must agree. */
describe('what survives is judged alike by zod, by zod from JSON Schema, and by JSON Schema', () => {
  const { schema, wrong: none } = paramSchema(kept);
  const back = z.fromJSONSchema(schema as never);
  const ajv = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  const given: unknown[] = [
    {},
    { text: 'a' },
    { text: 'b' },
    { text: '' },
    { text: 'aaaaaa' },
    { whole: 0 },
    { whole: 3 },
    { whole: 1.5 },
    { part: 0 },
    { part: 0.5 },
    { part: 0.3 },
    { yes: 1 },
    { yes: true },
    { mode: 'a' },
    { mode: 'c' },
    { fixed: 7 },
    { fixed: 8 },
    { either: 3 },
    { either: 'auto' },
    { either: 'x' },
    { none: null },
    { none: 3 },
    { list: [] },
    { list: [1] },
    { list: [1, 2, 3] },
    { day: '2026-02-28' },
    { day: '2026-02-30' },
    { scores: { a: 1 } },
    { scores: { a: 'x' } },
    { nested: { depth: 1 } },
    { nested: { depth: 1, more: 1 } },
    { nested: {} },
    { unknown: 1 },
    { text: null },
  ];
  test.each(given)('%j', (value) => {
    const accepted = kept.safeParse(value).success;
    expect([back.safeParse(value).success, ajv(value)]).toEqual([accepted, accepted]);
  });
  test('nothing in it was refused', () => {
    expect(none).toEqual([]);
  });
});
