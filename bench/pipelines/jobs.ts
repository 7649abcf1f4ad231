import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';

const folder = 'pipelines/noop';
const from = `file:${folder}/numbers.csv`;
const Nothing = z.strictObject({ rows: z.number() });

/** A job that does nothing. */
export const noopJob = definePipeline('noop-job', {}, (p) => {
  const data = p.snapshot('data', { from });
  p.train('job', { trainer: trainers.process({ run: 'sh noop.sh', folder }), data, cache: false });
});

/** The same run with a stage that starts no job: what the interpreter costs. */
export const noopTask = definePipeline('noop-task', {}, (p) => {
  const data = p.snapshot('data', { from });
  p.task('task', { after: data, input: { rows: 4 }, output: Nothing, run: (input) => input });
});

/** A job that never ends by itself. */
export const longJob = definePipeline('long-job', {}, (p) => {
  const data = p.snapshot('data', { from });
  p.train('job', { trainer: trainers.process({ run: 'sleep 600', folder }), data, cache: false });
});

const Copy = z.strictObject({ file: z.string(), store: z.boolean() });

/** A job that copies a file to its outputs, or to its own folder. */
export const copyJob = definePipeline('copy-job', { params: Copy }, (p, params) => {
  const data = p.snapshot('data', { from });
  p.train('job', {
    trainer: trainers.process({ run: 'python copy.py', folder }),
    data,
    cache: false,
    params: { file: params.file, store: params.store },
  });
});
