import { canary, definePipeline, requestErrors, suite, trainers } from 'slipway';
import { z } from 'zod';

/** What the sweep kills a worker in: every verb that has effects outside, with the least data. `name` is filled in per lane. */
export default definePipeline('reference', { params: z.strictObject({ seed: z.string() }) }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:flowers.csv' });
  const checked = p.validate('validate', {
    data,
    suite: suite((d) => [d.number('petal_length', { min: 0, max: 20 })]),
  });
  const model = p.train('train', {
    trainer: trainers.process({ run: 'python train.py', folder: 'trainers/tiny' }),
    data: checked,
    params: { seed: params.seed },
    attempts: 1,
  });
  const version = p.register('register', { model, as: 'SERVICE' });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'] });
  const released = p.approve('release', { of: version, by: ['ml-leads'], after: signed });
  p.rollout('promote', {
    version,
    after: released,
    strategy: canary({ steps: [{ weight: 50, hold: '10m' }], bake: '10m' }),
    analysis: [requestErrors({ max: 0.5 })],
  });
});
