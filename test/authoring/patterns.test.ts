import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePipeline } from '../../authoring/index.js';
import { slowText } from '../../authoring/patterns.js';
import { recordPipeline } from '../../authoring/record.js';

test.each([/(a+)+$/, /^(\w+\s?)*$/, /^([a-z]+-?)+$/, /(x|x)*y/, /^(\d+|\d+\.)+!$/, /^((ab)*)*c/])(
  '%s is found slow',
  (pattern) => {
    expect(slowText(pattern)).toBeTypeOf('string');
  },
);

test.each([
  /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  /^\d{4}-\d{2}-\d{2}$/,
  /a+b*c?/,
  /^(en|de|fr)$/,
  /^s3:\/\/[^/]+\/.+$/,
  /^\w+(\.\w+)*@\w+$/,
])('%s is not', (pattern) => {
  expect(slowText(pattern)).toBeUndefined();
});

test('a slow pattern of a param or of a task is refused with its pointer before anything matches it', () => {
  const slow = z.string().regex(/^(a+)+$/);
  const started = performance.now();
  const faultsOf = (definition: Parameters<typeof recordPipeline>[0]) =>
    recordPipeline(definition, import.meta.dirname).faults.map((fault) => `${fault.code} ${fault.message}`);
  expect(
    faultsOf(definePipeline('a', { params: z.strictObject({ name: slow, list: z.array(slow) }) }, () => undefined)),
  ).toEqual([
    expect.stringMatching(/^E_REGEX \/params\/name: the pattern/),
    expect.stringMatching(/^E_REGEX \/params\/list\/0: the pattern/),
  ]);
  expect(
    faultsOf(
      definePipeline(
        'a',
        {},
        (p) => void p.task('t', { output: z.strictObject({ name: slow }), run: () => ({ name: '' }) }),
      ),
    ),
  ).toEqual([expect.stringMatching(/^E_REGEX stage `t`, \/output\/name/)]);
  expect(performance.now() - started).toBeLessThan(10_000);
});
