import {
  canary,
  champion,
  definePipeline,
  evaluators,
  features,
  requestErrors,
  secret,
  sources,
  suite,
  trainers,
} from 'slipway';
import { z } from 'zod';

const Scores = z.object({ accuracy: z.number(), recall: z.record(z.string(), z.number()) });
const Params = z.strictObject({
  from: z.string().default('file:a.csv'),
  rates: z.array(z.number()).default([0.1, 1]),
  full: z.boolean().default(true),
});
const Plan = z.strictObject({ rows: z.int(), mode: z.enum(['full', 'partial']) });
const with_ = evaluators.process({ run: 'python -m a.evaluate' });
const trainer = trainers.process({ run: 'python -m a.train' });

/** Every verb and every option, for the fixture that readers of plans are tested with. */
export const everyVerb = definePipeline(
  'every-verb',
  { params: Params, owner: 'ml', version: '1.2.3' },
  (p, params) => {
    const data = p.snapshot('snapshot', {
      from: params.from,
      source: sources.process({ run: 'python -m a.data' }),
      split: { holdout: 0.2, by: 'group' },
      attempts: 2,
      pool: 'big',
    });
    const checked = p.validate('validate', { data, suite: suite((d) => [d.notEmpty('x')]), cache: false });
    const plan = p.task('task', {
      input: { data, fixed: [1, { a: null }] },
      output: Plan,
      run: ({ data: { rows } }) => ({ rows, mode: 'full' as const }),
      compensate: () => undefined,
      attempts: 3,
      retry: { wait: '10s', backoff: 3, upTo: '5m' },
      cache: true,
    });
    const models = p.each(
      'each-train',
      {
        over: params.rates,
        concurrency: 7,
        onItemFailure: 'fail',
        best: { max: ['recall', 'yes'] },
        onFailure: 'compensate',
      },
      (rate, q) =>
        q.train({
          trainer,
          data: checked,
          params: { rate, rows: plan.rows },
          resources: { cpu: 2, memory: '4GiB', gpu: 1 },
          secrets: { HF_TOKEN: secret('env:HF_TOKEN') },
          pool: 'gpu',
        }),
    );
    const all = p.each('each-evaluate', { over: models, best: { min: 'accuracy' } }, (model, q) =>
      q.evaluate({ model, data: checked.holdout, with: with_, metrics: Scores }),
    );
    const sums = p.each('each-task', { over: params.rates, onItemFailure: 'continue' }, (rate, q) =>
      q.task({ input: { rate }, output: z.number(), run: (given) => given.rate * 2 }),
    );
    const model = p.when(
      'when',
      { on: params.full, is: true },
      {
        then: () =>
          p.train('train', { trainer, data: checked, params: { mode: plan.mode }, timeout: '2h', after: [sums, all] }),
        otherwise: () => models.best,
      },
    );
    const scores = p.evaluate('evaluate', { model, data: checked.holdout, with: with_, metrics: Scores });
    const good = p.gate('gate', {
      scores,
      champion: champion('a'),
      stop: false,
      rules: (m) => [m.accuracy.atLeast(0.9), m.accuracy.noWorseThanChampion({ by: 0.01 })],
    });
    p.when(
      'route',
      { on: good.verdict, is: 'pass' },
      {
        then: () => {
          const version = p.register('register', { model, as: 'a' });
          const signed = p.approve('approve', { of: version, by: ['ml-leads'] });
          p.rollout('rollout', {
            version,
            after: signed,
            strategy: canary({ steps: [{ weight: 10, hold: '15m' }], bake: '1h' }),
            analysis: [requestErrors({ max: 0.01 })],
            smoke: [features([1, 2])],
          });
          p.promote('promote', { version, service: 'a-batch', onFailure: 'continue' });
        },
        otherwise: () => {
          const done = p.run('run', { pipeline: 'other', params: { rows: plan.rows, note: 'x' } });
          p.notify('notify', {
            text: 'retrained',
            facts: { outcome: done.outcome, accuracy: scores.metrics.accuracy, n: 1 },
          });
        },
      },
    );
  },
);
