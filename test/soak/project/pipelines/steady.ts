import { definePipeline, suite, trainers } from 'slipway';
import { z } from 'zod';

/** A bit of everything that a worker does for a run. The same `n` trains once. */
export default definePipeline('steady', { params: z.strictObject({ n: z.number() }) }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:numbers.csv' });
  const checked = p.validate('validate', { data, suite: suite((d) => [d.number('n', { min: 0, max: 9 })]) });
  const doubled = p.task('double', {
    after: checked,
    input: { n: params.n },
    output: z.strictObject({ n: z.number() }),
    run: (input) => ({ n: 2 * input.n }),
  });
  const model = p.train('train', {
    trainer: trainers.process({ run: 'sh train.sh', folder: 'trainers/tiny' }),
    data: checked,
    params: { n: doubled.n },
  });
  const version = p.register('register', { model, as: 'steady' });
  p.approve('sign-off', { of: version, by: ['ml-leads'] });
});
