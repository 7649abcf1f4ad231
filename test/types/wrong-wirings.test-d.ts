/** Wirings that must not compile: the build fails when one of them does. */
import {
  champion,
  canary,
  daily,
  definePipeline,
  fallbackRate,
  hourly,
  latency,
  secret,
  suite,
  text,
  weekly,
} from 'slipway';
import { z } from 'zod';
import { analysis, checks, child, evaluator, Loss, Plan, source, Scores, strategy, trainer, wiring } from './wiring.js';

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

wiring((p, params) => {
  const data = p.snapshot('data', { from: 'file:a.csv', split: { holdout: 0.3 } });
  const model = p.train('train', { trainer, data });
  const version = p.register('register', { model, as: 'name' });
  const scores = p.evaluate('evaluate', { model, data: data.holdout, with: evaluator, metrics: Scores });
  const gate = p.gate('gate', { scores, stop: false, rules: (m) => [m.accuracy.atLeast(0.9)] });
  const plan = p.task('plan', { output: Plan, run: () => ({ rows: 1, mode: 'full' as const, grid: [] }) });
  const done = p.run('run', { pipeline: child, params: { rows: 1, mode: 'full' } });

  // @ts-expect-error 53: a task returns what its schema says
  p.task('x', { output: z.strictObject({ rows: z.int() }), run: () => ({ rows: 'many' }) });
  // @ts-expect-error 54: a task that returns nothing
  p.task('x', { output: z.number(), run: () => undefined });
  // @ts-expect-error 55: a task has an output schema
  p.task('x', { run: () => 1 });
  // @ts-expect-error 56: an input that was not handed over
  p.task('x', { input: { a: 1 }, output: z.number(), run: ({ b }) => b });
  // @ts-expect-error 57: a text param is no number in the function
  p.task('x', { input: { a: params.nested.name }, output: z.number(), run: ({ a }) => a });
  // @ts-expect-error 58: a member of an input that its stage does not give
  p.task('x', { input: { data }, output: z.number(), run: (given) => given.data.columns });
  const way = p.when('w', { on: params.fast, is: true }, { then: () => undefined });
  // @ts-expect-error 59: the way that a `when` went has nothing to read
  p.task('x', { input: { way }, output: z.null(), run: () => null });
  // @ts-expect-error 60: a compensation gets what the task returned
  p.task('x', { output: z.number(), run: () => 1, compensate: ({ output }) => void output.length });
  // @ts-expect-error 61: a member that the output schema does not name
  p.train('x', { trainer, data, params: { rows: plan.row } });
  // @ts-expect-error 62: a member of a list, which has none
  p.train('x', { trainer, data, params: { depth: plan.grid.depth } });
  // @ts-expect-error 63: what a task returned is no model
  p.register('x', { model: plan, as: 'name' });
  // @ts-expect-error 64: what a task returned has no value to compute with
  void (plan.rows + 1);
  // @ts-expect-error 65: a number is no address
  p.snapshot('x', { from: plan.rows, source });

  // @ts-expect-error 66: a number is no list
  p.each('x', { over: params.epochs }, (_, q) => q.train({ trainer, data }));
  // @ts-expect-error 67: a model is no list
  p.each('x', { over: model }, (_, q) => q.train({ trainer, data }));
  // @ts-expect-error 68: an object with a list inside is no list
  p.each('x', { over: plan }, (_, q) => q.train({ trainer, data }));
  // @ts-expect-error 69: a verb that cannot be mapped
  p.each('x', { over: params.rates }, (_, q) => q.register({ model, as: 'name' }));
  // @ts-expect-error 70: no fork inside an each
  p.each('x', { over: params.rates }, (_, q) => q.when('w', { on: params.fast, is: true }, { then: () => undefined }));
  // @ts-expect-error 71: the function returns what its stage gives
  p.each('x', { over: params.rates }, () => undefined);
  // @ts-expect-error 72: a data set is no result of an element
  p.each('x', { over: params.rates }, () => data);
  // @ts-expect-error 73: the stage inside has no id
  p.each('x', { over: params.rates }, (_, q) => q.train('id', { trainer, data }));
  // @ts-expect-error 74: the stage inside does not wait by itself
  p.each('x', { over: params.rates }, (_, q) => q.train({ trainer, data, after: model }));
  // @ts-expect-error 75: a member that the element does not have
  p.each('x', { over: plan.grid }, (point, q) => q.train({ trainer, data, params: { depth: point.width } }));
  // @ts-expect-error 76: an element has no value to compute with
  p.each('x', { over: params.rates }, (rate, q) => q.train({ trainer, data, params: { rate: rate * 2 } }));
  // @ts-expect-error 77: no best without asking for it
  void p.each('x', { over: params.rates }, (_, q) => q.train({ trainer, data })).best;
  const run = () => ({ loss: 1, by: { train: 1 }, label: '' });
  // @ts-expect-error 78: the best by a member that is no number
  p.each('x', { over: params.rates, best: { max: 'label' } }, (_, q) => q.task({ output: Loss, run }));
  const score = { model, data: data.holdout, with: evaluator, metrics: Scores };
  // @ts-expect-error 79: the best by a metric that the schema does not name
  p.each('x', { over: params.rates, best: { max: 'acuracy' } }, (_, q) => q.evaluate(score));
  // @ts-expect-error 80: the most or the least, not both
  p.each('x', { over: params.rates, best: { max: 'a', min: 'b' } }, (_, q) => q.train({ trainer, data }));
  // @ts-expect-error 81: an unknown answer to a failed element
  p.each('x', { over: params.rates, onItemFailure: 'skip' }, (_, q) => q.train({ trainer, data }));
  const models = p.each('models', { over: params.rates }, (_, q) => q.train({ trainer, data }));
  // @ts-expect-error 82: a list of models is no model
  p.register('x', { model: models, as: 'name' });
  // @ts-expect-error 83: an element that is a model is no number
  p.each('x', { over: models }, (one, q) => q.train({ trainer, data, params: { rate: one } }));
  const failable = p.each('failable', { over: params.rates, onItemFailure: 'continue' }, (_, q) =>
    q.train({ trainer, data }),
  );
  // @ts-expect-error 84: an element that may be null is not scored
  p.each('x', { over: failable }, (one, q) => q.evaluate({ ...score, model: one }));
  const first = { input: { failable }, output: z.string() };
  // @ts-expect-error 85: a result that may be null is looked at first
  p.task('x', { ...first, run: (given) => given.failable.map((one) => one.digest).join() });

  // @ts-expect-error 86: a verdict that no gate gives
  p.when('x', { on: gate.verdict, is: 'passed' }, { then: () => undefined });
  // @ts-expect-error 87: a boolean is not compared with text
  p.when('x', { on: params.fast, is: 'true' }, { then: () => undefined });
  // @ts-expect-error 88: a gate itself is no value
  p.when('x', { on: gate, is: 'pass' }, { then: () => undefined });
  // @ts-expect-error 89: scores are judged by a gate
  p.when('x', { on: scores, is: 1 }, { then: () => undefined });
  // @ts-expect-error 90: a way is a function
  p.when('x', { on: params.fast, is: true }, { then: model });
  const either = p.when('either', { on: params.fast, is: true }, { then: () => model, otherwise: () => data });
  // @ts-expect-error 91: ways of different kinds give no model
  p.register('x', { model: either, as: 'name' });
  const maybe = p.when('maybe', { on: params.fast, is: true }, { then: () => model });
  // @ts-expect-error 92: one way alone gives no model
  p.register('x', { model: maybe, as: 'name' });
  const mixed = p.when(
    'mixed',
    { on: params.fast, is: true },
    { then: () => data, otherwise: () => p.snapshot('y', { from: 'file:b.csv' }) },
  );
  // @ts-expect-error 93: only one of the ways has a holdout
  void mixed.holdout;

  // @ts-expect-error 94: a param of the child that is missing
  p.run('x', { pipeline: child, params: { rows: 1 } });
  // @ts-expect-error 95: params of the child that are missing
  p.run('x', { pipeline: child });
  // @ts-expect-error 96: a param that the child does not have
  p.run('x', { pipeline: child, params: { rows: 1, mode: 'full', other: 1 } });
  // @ts-expect-error 97: a value of another type than the child takes
  p.run('x', { pipeline: child, params: { rows: params.nested.name, mode: 'full' } });
  // @ts-expect-error 98: a literal that the child does not take
  p.run('x', { pipeline: child, params: { rows: 1, mode: 'half' } });
  // @ts-expect-error 99: a run is no version
  p.rollout('x', { version: done, strategy, analysis });
  // @ts-expect-error 100: a child that ended otherwise ends this run
  p.when('x', { on: done.outcome, is: 'rejected' }, { then: () => undefined });

  // @ts-expect-error 101: a model is promoted as a registered version
  p.promote('x', { version: model });
  // @ts-expect-error 102: a promotion has no canary
  p.promote('x', { version, strategy });
  // @ts-expect-error 103: a message has a text
  p.notify('x', { facts: { a: 1 } });
  // @ts-expect-error 104: a model is no fact
  p.notify('x', { text: 'x', facts: { model } });
  // @ts-expect-error 105: a text is no reference
  p.notify('x', { text: params.nested.name });

  // @ts-expect-error 106: memory has a unit
  p.train('x', { trainer, data, resources: { memory: '4' } });
  // @ts-expect-error 107: an unknown unit of memory
  p.train('x', { trainer, data, resources: { memory: '4GB' } });
  // @ts-expect-error 108: a secret by reference, never by value
  p.train('x', { trainer, data, secrets: { HF_TOKEN: 'hf_abc' } });
  // @ts-expect-error 109: a reference to a secret says where it stands
  secret('HF_TOKEN');
  // @ts-expect-error 110: a pause is a duration
  p.train('x', { trainer, data, attempts: 2, retry: { wait: 10 } });
  // @ts-expect-error 111: an unknown answer to failure
  p.train('x', { trainer, data, onFailure: 'ignore' });
  // @ts-expect-error 112: an approval is not cached
  p.approve('x', { of: version, by: ['a'], cache: true });
  // @ts-expect-error 113: a gate starts no job to try again
  p.gate('x', { scores, attempts: 2, rules: (m) => [m.accuracy.atLeast(0.9)] });
});
