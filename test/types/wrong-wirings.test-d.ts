/** Wirings that must not compile: the build fails when one of them does. */
import { champion, canary, daily, definePipeline, fallbackRate, hourly, latency, suite, text, weekly } from 'slipway';
import { z } from 'zod';
import { analysis, checks, evaluator, source, Scores, strategy, trainer, wiring } from './wiring.js';

wiring((p, params) => {
  const whole = p.snapshot('whole', { from: 'file:a.csv' });
  const data = p.snapshot('data', { from: 'file:a.csv', split: { holdout: 0.3 } });
  const model = p.train('train', { trainer, data });
  const scores = p.evaluate('evaluate', { model, data: data.holdout, with: evaluator, metrics: Scores });
  const gate = p.gate('gate', { scores, rules: (m) => [m.accuracy.atLeast(0.9)] });
  const version = p.register('register', { model, as: 'name' });

  // @ts-expect-error 1: a data set is no model
  p.register('x', { model: data, as: 'name' });
  // @ts-expect-error 2: a model is no data set
  p.validate('x', { data: model, suite: checks });
  // @ts-expect-error 3: the holdout is not trained on
  p.train('x', { trainer, data: data.holdout });
  // @ts-expect-error 4: what was never split has no holdout
  void whole.holdout;
  // @ts-expect-error 5: a split data set is not scored as a whole
  p.evaluate('x', { model, data, with: evaluator, metrics: Scores });
  // @ts-expect-error 6: an evaluator trains nothing
  p.train('x', { trainer: evaluator, data });
  // @ts-expect-error 7: a trainer scores nothing
  p.evaluate('x', { model, data: data.holdout, with: trainer, metrics: Scores });
  // @ts-expect-error 8: a metric that the schema does not name
  p.gate('x', { scores, rules: (m) => [m.acuracy.atLeast(0.9)] });
  // @ts-expect-error 9: a member that the schema does not name
  p.gate('x', { scores, rules: (m) => [m.recall.of('maybe').atLeast(0.9)] });
  // @ts-expect-error 10: a group is no number
  p.gate('x', { scores, rules: (m) => [m.recall.atLeast(0.9)] });
  // @ts-expect-error 11: a champion rule without a champion
  p.gate('x', { scores, rules: (m) => [m.accuracy.noWorseThanChampion({ by: 0.1 })] });
  // @ts-expect-error 12: a margin is needed
  p.gate('x', { scores, champion: champion('name'), rules: (m) => [m.accuracy.noWorseThanChampion()] });
  // @ts-expect-error 13: scores are judged, not a model
  p.gate('x', { scores: model, rules: () => [] });
  // @ts-expect-error 14: what is approved is a version
  p.approve('x', { of: model, by: ['a'] });
  // @ts-expect-error 15: a duration without a unit
  p.approve('x', { of: version, by: ['a'], within: '3' });
  // @ts-expect-error 16: a duration of an unknown unit
  p.train('x', { trainer, data, timeout: '5 parsecs' });
  // @ts-expect-error 17: an unknown answer to silence
  p.approve('x', { of: version, by: ['a'], onTimeout: 'ignore' });
  // @ts-expect-error 18: one approver is still a list
  p.approve('x', { of: version, by: 'ml-leads' });
  // @ts-expect-error 19: traffic moves to a version, not to a model
  p.rollout('x', { version: model, strategy, analysis });
  // @ts-expect-error 20: a rollout without analysis
  p.rollout('x', { version, strategy });
  // @ts-expect-error 21: a strategy is made by canary()
  p.rollout('x', { version, strategy: { steps: [] }, analysis });
  // @ts-expect-error 22: a param is not a stage
  p.register('x', { model, as: 'name', after: params.epochs });
  // @ts-expect-error 23: a number param is not an address
  p.snapshot('x', { from: params.epochs });
  // @ts-expect-error 24: a param that may be missing is not an address
  p.snapshot('x', { from: params.rate });
  // @ts-expect-error 25: a param that the schema does not name
  p.train('x', { trainer, data, params: { epochs: params.epoch } });
  // @ts-expect-error 26: a member of a param that the schema does not name
  p.train('x', { trainer, data, params: { depth: params.nested.width } });
  // @ts-expect-error 27: a param has no value to compute with
  p.train('x', { trainer, data, params: { epochs: params.epochs + 1 } });
  // @ts-expect-error 28: a param has no value to compare
  void (params.epochs > 3);
  // @ts-expect-error 29: a param is no number where a plan needs one
  p.train('x', { trainer, data, attempts: params.epochs });
  // @ts-expect-error 30: a model is no hyperparameter
  p.train('x', { trainer, data, params: { model } });
  // @ts-expect-error 31: one input or several, not both
  p.train('x', { trainer, data, inputs: { train: data } });
  // @ts-expect-error 32: some input
  p.train('x', { trainer });
  // @ts-expect-error 33: a source makes data, it trains nothing
  p.train('x', { trainer: source, data });
  // @ts-expect-error 34: an unknown option
  p.register('x', { model, as: 'name', aliass: 'candidate' });
  // @ts-expect-error 35: a gate compares with what champion() returns
  p.gate('x', { scores, champion: 'name', rules: () => [] });
  // @ts-expect-error 36: a split needs a share
  p.snapshot('x', { from: 'file:a.csv', split: { by: 'template' } });
  // @ts-expect-error 37: metrics are numbers
  p.evaluate('x', { model, data: data.holdout, with: evaluator, metrics: z.object({ name: z.string() }) });
  // @ts-expect-error 38: expectations come from suite()
  p.validate('x', { data, suite: ['notEmpty'] });
  // @ts-expect-error 39: a verdict is not a version
  p.rollout('x', { version: gate, strategy, analysis });
  // @ts-expect-error 40: a param inside a value cannot be put in
  p.train('x', { trainer, data, params: { options: { depth: params.nested.depth } } });
});

// @ts-expect-error 41: params are an object
definePipeline('x', { params: z.string() }, () => undefined);
// @ts-expect-error 42: a pipeline without params has none
definePipeline('x', {}, (p, params) => p.snapshot('x', { from: params.from }));
// @ts-expect-error 43: an unknown option of a pipeline
definePipeline('x', { aproval: 1 }, () => undefined);
// @ts-expect-error 44: a rule without a limit could never fail
fallbackRate({ minSamples: 100 });
// @ts-expect-error 45: a latency is limited by a duration
latency({ max: 50 });
// @ts-expect-error 46: a step is held for a duration
canary({ steps: [{ weight: 10, hold: 900 }], bake: '1h' });
// @ts-expect-error 47: a canary is baked
canary({ steps: [{ weight: 10, hold: '15m' }] });
// @ts-expect-error 48: an unknown expectation
suite((d) => [d.notEmtpy('text')]);
// @ts-expect-error 49: a smoke request of text is text
text(1);
// @ts-expect-error 50: an unknown day of the week
weekly('Mo 03:00');
// @ts-expect-error 51: an unknown overlap policy
daily('03:00', { overlap: 'skp' });
// @ts-expect-error 52: a jitter is a duration
hourly(0, { jitter: 5 });
