import { definePipeline, evaluators, suite, trainers } from 'slipway';
import { z } from 'zod';

const Params = z.strictObject({
  dataset: z.string().default('file:trainers/iris/data/iris.csv').describe('Where the flowers are'),
  tries: z.int().min(1).max(100).default(4).describe('How many models are trained'),
  floor: z.number().min(0).max(1).default(0.9).describe('Train accuracy below which a try is not worth a message'),
});
const Sweep = z.strictObject({ epochs: z.array(z.int().min(1)).max(100) });
const Report = z.strictObject({ tries: z.int(), goodTries: z.int(), best: z.number() });
const Scores = z.object({ accuracy: z.number(), macroF1: z.number(), recall: z.record(z.string(), z.number()) });
const folder = 'trainers/iris';

const plausible = suite((d) => [d.number('petal_length', { min: 0, max: 20 }), d.classes('species', { min: 3 })]);

/** A model that scores in batches: several are trained, the best becomes the champion without any traffic. */
export default definePipeline('iris-batch', { params: Params }, (p, params) => {
  const data = p.snapshot('snapshot', { from: params.dataset, split: { holdout: 0.3, stratify: 'species' } });
  const checked = p.validate('validate-data', { data, suite: plausible });
  const sweep = p.task('plan-sweep', {
    input: { tries: params.tries },
    output: Sweep,
    // 1, 4, 16, 64, … iterations of the solver.
    run: ({ tries }) => ({ epochs: Array.from({ length: tries }, (_, i) => Math.min(4 ** i, 4096)) }),
  });
  const models = p.each(
    'train',
    { over: sweep.epochs, concurrency: 2, onItemFailure: 'continue', best: { max: 'trainAccuracy' } },
    (epochs, q) =>
      q.train({
        trainer: trainers.process({ run: 'python -m iris.train', folder }),
        data: checked,
        params: { epochs },
        attempts: 2,
        retry: { wait: '5s', upTo: '1m' },
      }),
  );
  const report = p.task('report', {
    input: { models, floor: params.floor },
    output: Report,
    run: (given, { log }) => {
      const accuracies = given.models.map((model) => Number(model?.metrics['trainAccuracy'] ?? 0));
      log(`accuracies on the training data: ${accuracies.join(', ')}`);
      const goodTries = accuracies.filter((accuracy) => accuracy >= given.floor).length;
      return { tries: accuracies.length, goodTries, best: Math.max(0, ...accuracies) };
    },
  });
  // The training data choose the model, rows that no model has seen decide about it.
  const scores = p.evaluate('evaluate', {
    model: models.best,
    data: checked.holdout,
    with: evaluators.process({ run: 'python -m iris.evaluate', folder }),
    metrics: Scores,
  });
  const good = p.gate('good-enough', { scores, stop: false, rules: (m) => [m.accuracy.atLeast(0.9)] });
  p.when(
    'decide',
    { on: good.verdict, is: 'pass' },
    {
      then: () => {
        const version = p.register('register', { model: models.best, as: 'iris-batch' });
        const promoted = p.promote('promote', { version });
        p.notify('tell-promoted', {
          text: 'a new model scores the flowers',
          facts: { version: version.label, accuracy: scores.metrics.accuracy, goodTries: report.goodTries },
          after: promoted,
        });
      },
      otherwise: () =>
        p.notify('tell-kept', {
          text: 'no model was good enough: the champion stays',
          facts: { accuracy: scores.metrics.accuracy, best: report.best },
          onFailure: 'continue',
        }),
    },
  );
});
