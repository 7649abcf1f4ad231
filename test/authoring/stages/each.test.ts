import { expect, test } from 'vitest';
import { z } from 'zod';
import { definePipeline, evaluators, trainers } from '../../../authoring/index.js';
import type { ItemStages, Params, Stages } from '../../../authoring/index.js';
import { recordPipeline } from '../../../authoring/record.js';
import type { Recording } from '../../../authoring/record.js';
import type { EachStage, Stage } from '../../../plan/plan.js';
import { untyped } from '../recording.js';

const trainer = trainers.process({ run: 'x', folder: 'code' });
const evaluator = evaluators.process({ run: 'x' });
const metrics = z.object({ accuracy: z.number(), recall: z.object({ yes: z.number() }) });
const schema = z.strictObject({
  rates: z.array(z.number()).default([0.1]),
  points: z.array(z.strictObject({ depth: z.int(), name: z.string() })).default([]),
  epochs: z.int().default(1),
  fast: z.boolean().default(false),
});

function record(build: (p: Stages, params: Params<typeof schema>) => void): Recording {
  return recordPipeline(definePipeline('test', { params: schema }, build), import.meta.dirname);
}
function stagesOf(build: (p: Stages, params: Params<typeof schema>) => void): Stage[] {
  const { plan, faults } = record(build);
  if (plan === undefined) throw new Error(JSON.stringify(faults));
  return plan.stages;
}
function eachOf(build: (p: Stages, params: Params<typeof schema>) => void): EachStage {
  return stagesOf(build).find((stage) => stage.verb === 'each') as EachStage;
}
const faultsOf = (build: (p: Stages, params: Params<typeof schema>) => void) =>
  record(build).faults.map((fault) => `${fault.code} ${fault.message}`);

test('the stage inside has the id of the each, and what it needs is needed by the each', () => {
  const each = eachOf((p, params) => {
    const data = p.snapshot('data', { from: 'file:a.csv' });
    p.each('sweep', { over: params.rates }, (rate, q) =>
      q.train({
        trainer,
        data,
        params: { rate, epochs: params.epochs, fixed: 1 },
        attempts: 2,
        pool: 'gpu',
        timeout: '1h',
      }),
    );
  });
  expect(each).toMatchObject({
    id: 'sweep',
    needs: ['data'],
    bindings: [{ at: '/over', ref: { from: 'param', path: ['rates'] } }],
    settings: {
      concurrency: 50,
      onItemFailure: 'fail',
      item: {
        id: 'sweep',
        verb: 'train',
        needs: [],
        bindings: [
          { at: '/inputs/train', ref: { from: 'stage', stage: 'data', path: [] } },
          { at: '/params/epochs', ref: { from: 'param', path: ['epochs'] } },
          { at: '/params/rate', ref: { from: 'item', path: [] } },
        ],
        settings: { params: { fixed: 1 } },
        limits: { timeoutMs: 3_600_000, attempts: 2 },
        pool: 'gpu',
        source: { file: 'each.test.ts' },
      },
    },
    limits: { timeoutMs: 30 * 86_400_000, attempts: 1 },
  });
  expect(each.settings.item.source.line).toBeGreaterThan(each.source.line);
  expect('best' in each.settings).toBe(false);
});

test('folders of code inside an each are packed with the plan', () => {
  const { plan } = record((p, params) => {
    const data = p.snapshot('data', { from: 'file:a.csv' });
    p.each('sweep', { over: params.rates }, (_, q) => q.train({ trainer, data }));
  });
  expect(plan?.folders).toEqual(['code']);
});

test('the best result is a reference of the kind of one result', () => {
  const stages = stagesOf((p, params) => {
    const data = p.snapshot('data', { from: 'file:a.csv' });
    const models = p.each('models', { over: params.rates, best: { max: ['recall', 'yes'] } }, (_, q) =>
      q.train({ trainer, data }),
    );
    p.register('register', { model: models.best, as: 'm' });
    const costs = p.each('costs', { over: params.points, best: { min: 'cost' }, concurrency: 2 }, (point, q) =>
      q.task({ input: { depth: point.depth }, output: z.strictObject({ cost: z.number() }), run: () => ({ cost: 1 }) }),
    );
    p.notify('tell', { text: 'cheapest', facts: { cost: costs.best.cost } });
    const scores = p.each('scores', { over: models, best: { max: 'accuracy' } }, (model, q) =>
      q.evaluate({ model, data, with: evaluator, metrics }),
    );
    p.gate('gate', { scores: scores.best, rules: (m) => [m.accuracy.atLeast(0.9)] });
  });
  const by = (id: string) => stages.find((stage) => stage.id === id) as EachStage;
  expect(by('models').settings.best).toEqual({ path: ['metrics', 'recall', 'yes'], direction: 'max' });
  expect(by('costs').settings.best).toEqual({ path: ['value', 'cost'], direction: 'min' });
  expect(by('scores').settings.best).toEqual({ path: ['metrics', 'accuracy'], direction: 'max' });
  expect(by('register').bindings[0]?.ref).toEqual({ from: 'stage', stage: 'models', path: ['best', 'output'] });
  expect(by('tell').bindings[0]?.ref).toEqual({
    from: 'stage',
    stage: 'costs',
    path: ['best', 'output', 'value', 'cost'],
  });
  expect(by('scores').bindings).toEqual([{ at: '/over', ref: { from: 'stage', stage: 'models', path: [] } }]);
  expect(by('scores').settings.item.bindings[1]).toEqual({ at: '/model', ref: { from: 'item', path: [] } });
  expect(by('gate').needs).toEqual(['scores']);
});

test('an each stands in a way of a when, its stage does not', () => {
  const each = eachOf((p, params) => {
    p.when(
      'w',
      { on: params.fast, is: true },
      {
        then: () =>
          p.each('many', { over: params.rates }, (n, q) => q.task({ input: { n }, output: z.null(), run: () => null })),
      },
    );
  });
  expect(each.branch).toEqual({ of: 'w', taken: true });
  expect(each.needs).toEqual(['w']);
  expect('branch' in each.settings.item).toBe(false);
});

test.each<[string, (q: ItemStages, p: Stages) => unknown, RegExp]>([
  ['no stage', () => undefined, /records no stage/],
  ['two stages', (q) => (work(q), work(q)), /records 2 stages/],
  ['a stage of the pipeline', (_, p) => work(p), /records 1 stage\(s\) of the pipeline itself/],
  ['another value', (q) => (work(q), 3), /returns 3, not what its stage gives/],
  ['a when', (q) => (q as never as Stages).when('w', untyped({}), untyped({})), /`when` cannot stand inside an `each`/],
  ['a register', (q) => (q as never as Stages).register('w', untyped({})), /known are train, evaluate, task/],
  ['an after', (q) => q.task({ output: z.null(), run: () => null, after: 'x' } as never), /`after` is no option/],
  [
    'a compensation',
    (q) => q.task({ output: z.null(), run: () => null, compensate: () => undefined } as never),
    /`compensate` is no option/,
  ],
])('a function that records %s is refused', (_, build, message) => {
  const faults = faultsOf(
    (p, params) => void p.each('many', { over: params.rates }, (_item, q) => build(q, p) as never),
  );
  expect(faults).toEqual([expect.stringMatching(/^E_EACH /)]);
  expect(faults[0]).toMatch(message);
});
function work(p: object): unknown {
  const options = { output: z.null(), run: () => null };
  const { task } = p as { task: (...all: unknown[]) => unknown };
  return task.length === 2 ? task('inner', options) : task(options);
}

test('a value that is no list, wrong numbers and an unknown best are refused, all at once', () => {
  const item = (_: unknown, q: ItemStages) =>
    q.task({ output: z.strictObject({ cost: z.number(), name: z.string() }), run: () => ({ cost: 1, name: '' }) });
  expect(
    faultsOf((p, params) => {
      p.each('a', untyped({ over: params.epochs, concurrency: 501, onItemFailure: 'skip', bestt: 1 }), item as never);
      p.each('b', untyped({ over: [1, 2] }), item as never);
      p.each('c', untyped({ over: params.rates, best: { max: 'costt' } }), item as never);
      p.each('d', untyped({ over: params.rates, best: { max: 'name' } }), item as never);
      p.each('e', untyped({ over: params.rates, best: { max: 'cost', min: 'cost' } }), item as never);
      p.each('f', { over: params.rates }, untyped({}));
      p.each('g', null as never, item as never);
    }),
  ).toEqual([
    'E_SCHEMA stage `a`, /over: expects a list, found param `epochs` (integer)',
    expect.stringMatching(/^E_NUMBER stage `a`, \/concurrency: 501 is not a whole number from 1 to 500/),
    expect.stringMatching(/^E_SCHEMA stage `a`, \/onItemFailure/),
    expect.stringMatching(/^E_SCHEMA stage `a`, \/bestt: unknown option `bestt`.*did you mean `best`/),
    'E_SCHEMA stage `b`, /over: expects a list, found a list of 2',
    expect.stringMatching(/^E_EACH stage `c`, \/best\/max: unknown number `costt`.*did you mean `cost`/),
    expect.stringMatching(/^E_EACH stage `d`, \/best\/max: `name` is no number/),
    expect.stringMatching(/^E_SCHEMA stage `e`, \/best: give either/),
    expect.stringMatching(/^E_EACH stage `f`: expects a function/),
    expect.stringMatching(/^E_SCHEMA stage `g`/),
  ]);
});

test('an element stays inside its each, and one that may be null is no model', () => {
  expect(
    faultsOf((p, params) => {
      const data = p.snapshot('data', { from: 'file:a.csv' });
      let leaked: unknown;
      const models = p.each('models', { over: params.rates, onItemFailure: 'continue' }, (rate, q) => {
        leaked = rate;
        return q.train({ trainer, data, params: { rate } });
      });
      p.train('late', { trainer, data, params: { rate: leaked as never } });
      p.each('scores', { over: models }, (model, q) =>
        q.evaluate({ model: model as never, data, with: evaluator, metrics }),
      );
    }),
  ).toEqual([
    'E_EACH stage `late`, /params/rate: the element of stage `models` exists only inside that `each`',
    'E_SCHEMA stage `scores`, /model: expects a model, found the element of stage `scores`, which may be null',
  ]);
});
