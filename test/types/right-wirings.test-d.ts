/** Wirings that must compile. Checked by the compiler; nothing here is run. */
import {
  canary,
  champion,
  definePipeline,
  fallbackRate,
  features,
  latency,
  mean,
  meanConfidence,
  quantile,
  rate,
  requestErrors,
  suite,
  text,
} from 'slipway';
import type {
  ApprovalRef,
  CheckedDatasetRef,
  ChildRunRef,
  DatasetRef,
  GateRef,
  ItemRef,
  ListRef,
  ModelRef,
  NoticeRef,
  PromotionRef,
  RouteRef,
  ScoresRef,
  TaskRef,
  VersionRef,
} from 'slipway';
import { secret } from 'slipway';
import { z } from 'zod';
import { analysis, checks, child, evaluator, Loss, Plan, source, Scores, strategy, trainer, wiring } from './wiring.js';

// 1: a file becomes a data set, a validation keeps its parts
wiring((p, params) => {
  const data: DatasetRef<'split'> = p.snapshot('a', { from: params.from, split: { holdout: 0.3 } });
  const checked: CheckedDatasetRef<'split'> = p.validate('b', { data, suite: checks, maxFailureRate: 0.1 });
  const model: ModelRef = p.train('c', { trainer, data: checked.train });
  p.evaluate('d', { model, data: checked.holdout, with: evaluator, metrics: Scores });
});
// 2: an unsplit data set is trained on and scored as a whole
wiring((p) => {
  const data: DatasetRef<'whole'> = p.snapshot('a', { from: 'file:a.csv' });
  const model = p.train('b', { trainer, data });
  p.evaluate('c', { model, data, with: evaluator, metrics: Scores });
});
// 3: several inputs by channel
wiring((p) => {
  const a = p.snapshot('a', { from: 'x', source, params: { language: 'en' } });
  const b = p.snapshot('b', {
    from: 'y',
    source,
    split: { holdout: 0.1, by: 'template', stratify: 'intent', seed: 7 },
  });
  p.train('c', { trainer, inputs: { train: a, extra: b.train } });
});
// 4: hyperparameters are JSON or params, optional ones too
wiring((p, params) => {
  const data = p.snapshot('a', { from: params.nested.name, source });
  p.train('b', {
    trainer,
    data,
    params: {
      epochs: params.epochs,
      rate: params.rate,
      depth: params.nested.depth,
      options: { list: [1, 'x', null] },
      all: params.nested,
    },
  });
});
// 5: rules over the metrics of the schema
wiring((p) => {
  const data = p.snapshot('a', { from: 'file:a.csv' });
  const model = p.train('b', { trainer, data });
  const scores: ScoresRef<z.infer<typeof Scores>> = p.evaluate('c', { model, data, with: evaluator, metrics: Scores });
  const gate: GateRef = p.gate('d', {
    scores,
    rules: (m) => [m.accuracy.atLeast(0.9), m.recall.of('yes').atMost(1), m.perClass.of('anything').atLeast(0)],
  });
  p.register('e', { model, as: 'name', after: gate });
});
// 6: rules against the champion
wiring((p) => {
  const data = p.snapshot('a', { from: 'file:a.csv' });
  const model = p.train('b', { trainer, data });
  const scores = p.evaluate('c', { model, data, with: evaluator, metrics: Scores });
  p.gate('d', {
    scores,
    champion: champion('name'),
    rules: (m) => [
      m.accuracy.noWorseThanChampion({ by: 0.01 }),
      m.recall.of('no').betterThanChampion({ better: 'lower' }),
      m.accuracy.atLeast(0.5),
    ],
  });
});
// 7: registration, approval, rollout
wiring((p) => {
  const data = p.snapshot('a', { from: 'file:a.csv' });
  const model = p.train('b', { trainer, data, timeout: '2h', attempts: 2 });
  const version: VersionRef = p.register('c', { model, as: 'name', alias: 'candidate', version: '1.2.3' });
  const signed: ApprovalRef = p.approve('d', {
    of: version,
    by: ['ml-leads', 'risk'],
    quorum: 2,
    within: '1.5d',
    onTimeout: 'approve',
  });
  p.rollout('e', { version, after: signed, strategy, analysis, smoke: [text('hello'), features([1, 2], [3, 4])] });
});
// 8: order without data, by reference or id, one or several
wiring((p) => {
  const a = p.snapshot('a', { from: 'file:a.csv', after: 'c' });
  p.snapshot('b', { from: 'file:b.csv', after: a });
  p.snapshot('c', { from: 'file:c.csv', after: ['d', 'e'] });
  p.snapshot('d', { from: 'file:d.csv' });
});
// 9: every rule of an analysis, absolute, relative or both
wiring((p) => {
  const model = p.train('b', { trainer, data: p.snapshot('a', { from: 'file:a.csv' }) });
  const counter = { metric: 'x_total', scope: 'model', labels: { a: 'b' } } as const;
  p.rollout('c', {
    version: p.register('r', { model, as: 'name' }),
    service: 'other',
    strategy: canary({ steps: [{ weight: 1, hold: '500ms' }], bake: '1w' }),
    analysis: [
      fallbackRate({ margin: 0.03 }),
      meanConfidence({ min: 0.5, margin: 0.1, confidence: 0.99 }),
      requestErrors({ max: 0.01, minSamples: 10 }),
      latency({ quantile: 0.99, max: '50ms' }),
      latency({ name: 'p50', quantile: 0.5, ratio: 1.2 }),
      rate({ name: 'r', events: counter, total: counter, max: 1 }),
      mean({ name: 'm', sum: counter, squares: counter, count: counter, min: 0 }),
      quantile({ name: 'q', buckets: counter, quantile: 0.5, ratio: 2 }),
    ],
  });
});
// 10: a pipeline without params; every expectation
definePipeline('no-params', {}, (p) => {
  const all = suite((d) => [
    d.columns('a', 'b'),
    d.rows({ min: 1 }),
    d.oneOf('a', ['x', 'y']),
    d.number('b', { max: 3 }),
    d.number('b'),
    d.unique('a'),
    d.classes('a', { min: 2 }),
  ]);
  p.validate('v', { data: p.snapshot('s', { from: 's3://bucket/key' }), suite: all });
});
// 11: a task is given literals, params and what other stages give; its value has members
wiring((p, params) => {
  const data = p.snapshot('a', { from: 'file:a.csv', split: { holdout: 0.3 } });
  const plan = p.task('b', {
    input: {
      limit: 3,
      nested: { list: [1, 2] },
      epochs: params.epochs,
      name: params.nested.name,
      data,
      part: data.train,
    },
    output: Plan,
    run: async ({ limit, epochs, name, data: snapshot, part }, { signal, about, log }) => {
      const rows: number = limit + epochs + snapshot.rows + part.rows;
      log(`${name.toUpperCase()} ${signal.aborted} ${about.attempt}`);
      return { rows, mode: 'full' as const, grid: [] };
    },
    compensate: ({ input, output }) => void [input.limit.toFixed(), output.grid.length],
    attempts: 3,
    retry: { wait: '10s', backoff: 2, upTo: '5m' },
    pool: 'gpu',
    cache: true,
    onFailure: 'compensate',
  });
  const rows: TaskRef<number> = plan.rows;
  p.train('c', { trainer, data, params: { rows, mode: plan.mode }, after: plan });
});
// 12: a task without input, and one that takes what a task returned
wiring((p) => {
  const a: TaskRef<string> = p.task('a', { output: z.string(), run: () => 'x' });
  p.task('b', { input: { a }, output: z.null(), run: ({ a: text }) => (text.length > 0 ? null : null) });
  p.snapshot('c', { from: a, source });
});
// 13: an each over a list param, with the best model
wiring((p, params) => {
  const data = p.snapshot('a', { from: 'file:a.csv', split: { holdout: 0.3 } });
  const models = p.each(
    'sweep',
    { over: params.rates, concurrency: 4, best: { max: ['recall', 'yes'] } },
    (rate: ItemRef<number>, q) => q.train({ trainer, data, params: { rate }, attempts: 2, cache: false }),
  );
  const all: ListRef<ModelRef> = models;
  const best: ModelRef = models.best;
  p.register('c', { model: best, as: 'name', after: all });
});
// 14: an each over a list that a task returned, then over its results; lists come into a task in order
wiring((p) => {
  const plan = p.task('a', { output: Plan, run: () => ({ rows: 1, mode: 'full' as const, grid: [] }) });
  const losses = p.each('b', { over: plan.grid, best: { min: 'loss' } }, (point, q) =>
    q.task({
      input: { depth: point.depth, point },
      output: Loss,
      run: ({ depth, point: { name } }) => ({ loss: depth, by: { train: name.length }, label: name }),
    }),
  );
  const label: TaskRef<string> = losses.best.label;
  p.each('c', { over: losses, best: { max: ['by', 'train'] } }, (loss, q) =>
    q.task({ input: { loss: loss.loss }, output: Loss, run: () => ({ loss: 1, by: { train: 1 }, label: '' }) }),
  );
  p.each('d', { over: plan.grid, best: { max: [] } }, (_, q) => q.task({ output: z.number(), run: () => 1 }));
  p.task('e', { input: { losses, label }, output: z.number(), run: (given) => given.losses[0]?.loss ?? 0 });
});
// 15: scores for each model of a sweep; failed elements are null
wiring((p, params) => {
  const data = p.snapshot('a', { from: 'file:a.csv', split: { holdout: 0.3 } });
  const models = p.each('b', { over: params.rates }, (rate, q) => q.train({ trainer, data, params: { rate } }));
  const scores = p.each('c', { over: models, onItemFailure: 'continue', best: { max: 'accuracy' } }, (model, q) =>
    q.evaluate({ model, data: data.holdout, with: evaluator, metrics: Scores }),
  );
  p.gate('d', { scores: scores.best, rules: (m) => [m.accuracy.atLeast(0.9)] });
  p.task('e', {
    input: { scores },
    output: z.number(),
    run: (given) => given.scores.map((one) => one?.metrics.accuracy ?? 0).reduce((a, b) => Math.max(a, b), 0),
  });
});
// 16: a way by the verdict of a gate; both ways give a version
wiring((p, params) => {
  const data = p.snapshot('a', { from: 'file:a.csv', split: { holdout: 0.3 } });
  const model = p.train('b', { trainer, data });
  const scores = p.evaluate('c', { model, data: data.holdout, with: evaluator, metrics: Scores });
  const good = p.gate('d', { scores, stop: false, rules: (m) => [m.accuracy.atLeast(0.9)] });
  const version: VersionRef = p.when(
    'e',
    { on: good.verdict, is: 'pass' },
    {
      then: () => p.register('f', { model, as: 'name' }),
      otherwise: () =>
        p.register('g', { model: p.train('h', { trainer, data, params: { rate: params.rate } }), as: 'name' }),
    },
  );
  p.rollout('i', { version, strategy, analysis });
});
// 17: ways of different kinds, or only one, give the fact that it went; values join to what both may be
wiring((p, params) => {
  const a: RouteRef = p.when(
    'a',
    { on: params.fast, is: true },
    { then: () => p.snapshot('b', { from: 'file:a.csv' }) },
  );
  const c: RouteRef = p.when(
    'c',
    { on: params.nested.name, is: 'x', after: a },
    { then: () => p.notify('d', { text: 'x' }), otherwise: () => p.snapshot('e', { from: 'file:a.csv' }) },
  );
  const value: TaskRef<string> | TaskRef<number> = p.when(
    'f',
    { on: params.epochs, is: 3, after: c },
    {
      then: () => p.task('g', { output: z.string(), run: () => 'x' }),
      otherwise: () => p.task('h', { output: z.number(), run: () => 1 }),
    },
  );
  p.notify('i', { text: 'done', facts: { value } });
});
// 18: a child run, by definition or by name
wiring((p, params) => {
  const plan = p.task('a', { output: Plan, run: () => ({ rows: 1, mode: 'full' as const, grid: [] }) });
  const one: ChildRunRef = p.run('b', { pipeline: child, params: { rows: plan.rows, mode: plan.mode } });
  p.run('c', { pipeline: child, params: { rows: 3, mode: 'full', note: params.from }, after: one });
  p.run('d', { pipeline: 'other', params: { anything: params.epochs } });
  p.when(
    'e',
    { on: one.outcome, is: 'promoted' },
    { then: () => p.notify('f', { text: 'x', facts: { id: one.workflowId } }) },
  );
});
// 19: a promotion without traffic, and a message with facts
wiring((p) => {
  const data = p.snapshot('a', { from: 'file:a.csv' });
  const model = p.train('b', {
    trainer,
    data,
    resources: { cpu: 0.5, memory: '4GiB', gpu: 1 },
    secrets: { HF_TOKEN: secret('env:HF_TOKEN'), OTHER: 'file:secrets/other' },
  });
  const scores = p.evaluate('c', { model, data, with: evaluator, metrics: Scores, resources: { memory: '512MiB' } });
  const version = p.register('d', { model, as: 'name' });
  const promoted: PromotionRef = p.promote('e', { version, service: 'batch', onFailure: 'compensate' });
  const told: NoticeRef = p.notify('f', {
    text: 'promoted',
    facts: { version: version.label, accuracy: scores.metrics.accuracy, all: scores.metrics, n: 3 },
    after: promoted,
  });
  p.notify('g', { text: 'told', after: told, onFailure: 'continue' });
});
// 20: options of every stage that works
wiring((p, params) => {
  const data = p.snapshot('a', {
    from: params.from,
    attempts: 2,
    retry: { wait: '1s' },
    onFailure: 'fail',
    pool: 'big',
  });
  p.validate('b', { data, suite: checks, cache: false, timeout: '1m', onFailure: 'continue' });
});
