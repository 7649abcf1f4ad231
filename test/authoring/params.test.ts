import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { paramSchema } from '../../authoring/param-schema.js';
import { parseParamFlags, parseParams } from '../../authoring/params.js';
import { SlipwayError } from '../../plan/errors.js';

const { schema } = paramSchema(
  z.strictObject({
    lr: z.number().gt(0).max(1),
    epochs: z.int().min(1).default(3),
    name: z.string().nullable().optional(),
    mode: z.enum(['a', 'b']).optional(),
    flag: z.boolean().optional(),
    list: z.array(z.number()).optional(),
    deep: z.strictObject({ k: z.int().default(4) }).optional(),
    either: z.union([z.int(), z.string()]).optional(),
  }),
);

function faults(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof SlipwayError) return error.faults.map((f) => `${f.code} ${f.where}: ${f.message}`);
    throw error;
  }
  return [];
}

describe('params of a run', () => {
  test('defaults are filled in, at any depth', () => {
    expect(parseParams(schema, { lr: 0.5, deep: {} })).toEqual({ lr: 0.5, epochs: 3, deep: { k: 4 } });
  });
  test('all faults come at once with pointers', () => {
    expect(faults(() => parseParams(schema, { epochs: 'x', mode: 'c', epcohs: 1, deep: { z: 1 } }))).toEqual([
      'E_PARAM_MISSING /params/lr: is missing; expected finite number above 0 to 1',
      expect.stringMatching(/^E_PARAM_TYPE \/params\/epochs: expected whole number from 1, found `x`/),
      expect.stringMatching(/^E_PARAM_TYPE \/params\/mode: expected one of "a", "b", found `c`/),
      expect.stringMatching(/^E_PARAM_NAME \/params\/deep\/z: /),
      expect.stringMatching(
        /^E_PARAM_NAME \/params\/epcohs: unknown param `epcohs`: known are lr, epochs, .*did you mean `epochs`\?/,
      ),
    ]);
  });
  test.each(['{"lr":1,"__proto__":{"x":1}}', '{"lr":1,"deep":{"constructor":{"x":1}}}', '{"lr":1,"prototype":1}'])(
    '%s is refused and no prototype changes',
    (json) => {
      expect(faults(() => parseParams(schema, JSON.parse(json) as Record<string, unknown>))).toEqual([
        expect.stringMatching(/^E_PARAM_NAME /),
      ]);
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(({} as { x?: unknown }).x).toBeUndefined();
    },
  );
  test.each([NaN, Infinity, '1', null, true, 2])('lr=%s is refused without coercion', (lr) => {
    expect(faults(() => parseParams(schema, { lr }))).toEqual([
      expect.stringMatching(/^E_PARAM_TYPE \/params\/lr: expected finite number above 0 to 1/),
    ]);
  });
  test('text that looks like a reference stays text', () => {
    expect(parseParams(schema, { lr: 1, name: '${params.lr}' })).toMatchObject({ name: '${params.lr}' });
  });
});

describe('flags', () => {
  test('are read by type', () => {
    expect(
      parseParamFlags(schema, [
        'lr=1e-3',
        'epochs=3',
        'name=a=b',
        'mode=a',
        'flag=false',
        'list=[1,2]',
        'deep={"k":2}',
        'either=7',
      ]),
    ).toEqual({
      lr: 0.001,
      epochs: 3,
      name: 'a=b',
      mode: 'a',
      flag: false,
      list: [1, 2],
      deep: { k: 2 },
      either: 7,
    });
  });
  test.each(['abc', '1e999', '0x10', '', ' 1', '1_000', 'Infinity', 'NaN', '1,5'])(
    'lr=%s is no finite number',
    (text) => {
      expect(faults(() => parseParamFlags(schema, [`lr=${text}`]))).toEqual([
        expect.stringMatching(/^E_PARAM_TYPE \/params\/lr: expected finite number/),
      ]);
    },
  );
  test.each([
    ['lr=0.12345678901234567890', '0.12345678901234567890', 0.12345678901234568],
    ['epochs=9007199254740993', '9007199254740993', 9007199254740992],
    ['list=[1,9007199254740993]', '9007199254740993', 9007199254740992],
    ['deep={"k":12345678901234567890}', '12345678901234567890', 12345678901234567000],
  ])('%s is refused: a number is never rounded to another', (flag, typed, rounded) => {
    const [fault] = faults(() => parseParamFlags(schema, [flag]));
    expect(fault).toMatch(/^E_PARAM_TYPE /);
    expect(fault).toContain(`\`${typed}\` would be rounded to ${rounded}`);
  });
  test.each([
    ['lr=0.10', 0.1],
    ['lr=1e-7', 1e-7],
    ['lr=+.5', 0.5],
    ['lr=0.30000000000000004', 0.30000000000000004],
    ['lr=-0.0', 0],
    ['lr=100000000000000000000000', 1e23],
  ])('%s is the number that was typed', (flag, number) => {
    expect(parseParamFlags(schema, [flag])).toEqual({ lr: number });
  });
  test.each([
    ['007', '007'],
    ['1.0', '1.0'],
    ['1e3', '1e3'],
    ['-0', '-0'],
    ['9007199254740993', '9007199254740993'],
    ['7', 7],
    ['-1.5', -1.5],
    ['1e+23', 1e23],
    ['null', null],
    ['true', true],
  ])('%s for a number or text stays text unless JSON writes the value just so', (text, value) => {
    const both = paramSchema(z.strictObject({ x: z.union([z.string(), z.number(), z.boolean()]).nullable() })).schema;
    expect(parseParamFlags(both, [`x=${text}`])).toEqual({ x: value });
  });
  test.each(['flag=1', 'flag=TRUE', 'mode=c', 'list={}', 'list=[', 'deep=[]', 'lr'])(
    '%s does not fit its type',
    (flag) => {
      expect(faults(() => parseParamFlags(schema, [flag]))).toEqual([expect.stringMatching(/^E_PARAM_TYPE /)]);
    },
  );
  test.each([
    '__proto__.x=1',
    '__proto__=1',
    'constructor.prototype.x=1',
    'constructor=1',
    'toString=1',
    'lr.x=1',
    'epcohs=1',
    '=1',
  ])('%s is no param', (flag) => {
    expect(faults(() => parseParamFlags(schema, [flag]))).toEqual([expect.stringMatching(/^E_PARAM_NAME /)]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
  test('a param given twice is refused, with all other faults', () => {
    expect(faults(() => parseParamFlags(schema, ['lr=1', 'lr=2', 'flag=maybe']))).toHaveLength(2);
  });
  test('hostile text is shown escaped', () => {
    expect(faults(() => parseParamFlags(schema, ['lr=\u001b[31m\u202e']))[0]).toContain('`\\u{1b}[31m\\u{202e}`');
  });
});
