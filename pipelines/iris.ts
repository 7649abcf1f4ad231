import { canary, definePipeline, evaluators, features, requestErrors, suite, trainers } from 'slipway';
import { z } from 'zod';

const Params = z.strictObject({
  dataset: z.string().default('file:trainers/iris/data/iris.csv').describe('Where the flowers are'),
});
const Scores = z.object({ accuracy: z.number(), macroF1: z.number(), recall: z.record(z.string(), z.number()) });
const folder = 'trainers/iris';

/** The smallest complete pipeline. */
export default definePipeline('iris', { params: Params }, (p, params) => {
  const data = p.snapshot('snapshot', { from: params.dataset, split: { holdout: 0.3, stratify: 'species' } });
  const checked = p.validate('validate-data', {
    data,
    suite: suite((d) => [d.number('petal_length', { min: 0, max: 20 }), d.classes('species', { min: 3 })]),
  });
  const model = p.train('train', { trainer: trainers.process({ run: 'python -m iris.train', folder }), data: checked });
  const scores = p.evaluate('evaluate', {
    model,
    data: checked.holdout,
    with: evaluators.process({ run: 'python -m iris.evaluate', folder }),
    metrics: Scores,
  });
  const good = p.gate('good-enough', { scores, rules: (m) => [m.accuracy.atLeast(0.9)] });
  const version = p.register('register', { model, as: 'iris', after: good });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'] });
  p.rollout('promote', {
    version,
    after: signed,
    strategy: canary({ steps: [{ weight: 20, hold: '10m' }], bake: '10m' }),
    analysis: [requestErrors({ max: 0.01 })],
    smoke: [features([5.1, 3.5, 1.4, 0.2])],
  });
});
