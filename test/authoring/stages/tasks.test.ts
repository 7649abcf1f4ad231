import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePipeline } from '../../../authoring/index.js';
import type { Duration } from '../../../plan/duration.js';
import { taskFunctionsOf } from '../../../authoring/task-functions.js';
import { faultsOf, planOf, record, stageOf, untyped } from '../recording.js';

const Output = z.strictObject({ rows: z.int().default(3), list: z.array(z.strictObject({ n: z.number() })) });
const run = () => ({ list: [] });

test('a task keeps literals, binds references of any kind, and its output as JSON Schema', () => {
  const stage = stageOf('task', (p, params) => {
    const data = p.snapshot('data', { from: 'file:a.csv', split: { holdout: 0.3 } });
    p.task('work', {
      input: { literal: { a: [1] }, epochs: params.epochs, data, part: data.train, gone: undefined as never },
      output: Output,
      run,
      compensate: () => undefined,
    });
  });
  expect(stage).toMatchObject({
    needs: ['data'],
    bindings: [
      { at: '/input/data', ref: { from: 'stage', stage: 'data', path: [] } },
      { at: '/input/epochs', ref: { from: 'param', path: ['epochs'] } },
      { at: '/input/part', ref: { from: 'stage', stage: 'data', path: ['splits', 'train'] } },
    ],
    settings: { input: { literal: { a: [1] } }, compensates: true },
    limits: { timeoutMs: 600_000, attempts: 1 },
  });
  expect(stage.settings.output).toEqual({
    type: 'object',
    properties: {
      rows: { default: 3, type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
      list: {
        type: 'array',
        items: {
          type: 'object',
          properties: { n: { type: 'number' } },
          required: ['n'],
          additionalProperties: false,
        },
      },
    },
    required: ['rows', 'list'],
    additionalProperties: false,
  });
  expect(JSON.parse(JSON.stringify(stage))).toEqual(stage);
});

test('members of what a task returns are references below its value', () => {
  const { stages } = planOf((p) => {
    const work = p.task('work', { output: Output, run });
    p.task('next', { input: { rows: work.rows, all: work }, output: z.null(), run: () => null });
  });
  expect(stages[1]?.bindings.map(({ ref }) => ref)).toEqual([
    { from: 'stage', stage: 'work', path: ['value'] },
    { from: 'stage', stage: 'work', path: ['value', 'rows'] },
  ]);
});

test('a member that the output schema does not name is refused at its line, with the nearest one', () => {
  const { faults } = record((p) => {
    const work = p.task('work', { output: Output, run });
    p.task('next', {
      input: untyped({ rows: (work as never as { row: object }).row }),
      output: z.null(),
      run: () => null,
    });
  });
  expect(faults).toMatchObject([
    { code: 'E_REFERENCE', where: expect.stringMatching(/^stages\/tasks\.test\.ts:\d+/) as string },
  ]);
  expect(faults[0]?.message).toContain('unknown member `row`: known are rows, list; did you mean `rows`?');
});

test.each([
  [z.string().transform(Number), 'does not survive'],
  [z.date(), 'does not survive'],
  [z.number().refine((n) => n > 0), '`refine` check is lost'],
  [z.object({ a: z.string() }), 'unknown members would be dropped'],
  [z.any(), 'does not survive'],
  ['text', 'expects a zod schema, found `text`'],
  [undefined, 'expects a zod schema, found nothing'],
])('the output schema %# is refused', (output, message) => {
  expect(faultsOf((p) => void p.task('work', untyped({ output, run: () => 1 })))).toEqual([
    expect.stringMatching(new RegExp(`^E_SCHEMA stage \`work\`, /output.*${message.replaceAll('`', '.')}`)),
  ]);
});

test('all that is wrong with a task comes at once', () => {
  expect(
    faultsOf((p) => {
      p.task('work', untyped({ input: 3, output: z.null(), run: 'x', compensate: 3, retyr: 1 }));
      p.task('next', { input: { 'a b': 1, d: new Date(0) as never }, output: z.null(), run: () => null });
    }).map((fault) => fault.split(':')[0]),
  ).toEqual([
    'E_SCHEMA stage `work`, /input',
    'E_SCHEMA stage `work`, /run',
    'E_SCHEMA stage `work`, /compensate',
    'E_SCHEMA stage `work`, /retyr',
    'E_ID stage `next`, /input/a b',
    'E_SCHEMA stage `next`, /input/d',
  ]);
});

test('options of attempts become limits, with their defaults', () => {
  const limits = (options: object) =>
    stageOf('task', (p) => void p.task('work', { output: z.null(), run: () => null, ...options }));
  expect(limits({ attempts: 4, retry: { wait: '10s', backoff: 3, upTo: '5m' }, timeout: '1h' }).limits).toEqual({
    timeoutMs: 3_600_000,
    attempts: 4,
    retry: { waitMs: 10_000, backoff: 3, maxMs: 300_000 },
  });
  expect(limits({ attempts: 2, retry: { wait: '2h' } }).limits.retry).toEqual({
    waitMs: 7_200_000,
    backoff: 2,
    maxMs: 7_200_000,
  });
  expect(limits({ pool: 'gpu', cache: true, onFailure: 'continue' })).toMatchObject({
    pool: 'gpu',
    cache: true,
    onFailure: 'continue',
  });
  const plain = limits({ onFailure: 'fail' });
  expect(['pool', 'cache', 'onFailure', 'branch'].filter((name) => name in plain)).toEqual([]);
});

test.each([
  [{ retry: { wait: '1s' } }, 'E_NUMBER .*only one'],
  [{ attempts: 2, retry: { wait: '1h', upTo: '1m' } }, 'E_DURATION .*shorter than'],
  [{ attempts: 2, retry: { wait: '5 parsecs' as Duration } }, 'E_DURATION '],
  [{ attempts: 2, retry: { wait: '1s', backoff: 0.5 } }, 'E_NUMBER .*from 1 to 10'],
  [{ attempts: 2, retry: { waitt: '1s' } }, 'did you mean `wait`'],
  [{ pool: 'GPU' }, 'E_ID '],
  [{ cache: 'yes' }, 'E_SCHEMA '],
  [{ onFailure: 'ignore' }, 'E_SCHEMA '],
  [{ onFailure: 'compensate' }, 'E_SCHEMA .*nothing to undo'],
])('the options %j are refused', (options, fault) => {
  expect(
    faultsOf((p) => void p.task('work', untyped({ output: z.null(), run: () => null, ...options }))).join('\n'),
  ).toMatch(new RegExp(fault));
});

test('the functions of a pipeline are found by stage id, those inside an each by its id', async () => {
  const definition = definePipeline(
    'a',
    { params: z.strictObject({ list: z.array(z.int()).default([]) }) },
    (p, params) => {
      p.task('one', { input: { n: 2 }, output: z.int(), run: ({ n }) => n * 2, compensate: () => undefined });
      p.each('many', { over: params.list }, (n, q) => q.task({ input: { n }, output: z.int(), run: (i) => i.n + 1 }));
    },
  );
  const functions = taskFunctionsOf(definition);
  expect([...functions.keys()]).toEqual(['one', 'many']);
  const context = { signal: new AbortController().signal, about: untyped({}), log: () => undefined };
  expect(functions.get('one')?.input).toEqual({ n: 2 });
  expect(functions.get('one')?.compensate).toBeTypeOf('function');
  expect(await functions.get('one')?.run({ n: 4 }, context)).toBe(8);
  expect(await functions.get('many')?.run({ n: 4 }, context)).toBe(5);
  expect(functions.get('many')?.output.safeParse('x').success).toBe(false);
});
