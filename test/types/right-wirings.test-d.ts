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
import type { ApprovalRef, CheckedDatasetRef, DatasetRef, GateRef, ModelRef, ScoresRef, VersionRef } from 'slipway';
import type { z } from 'zod';
import { analysis, checks, evaluator, source, Scores, strategy, trainer, wiring } from './wiring.js';

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
