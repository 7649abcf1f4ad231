import { z } from 'zod';
import { jobSettings, jobShape } from '../jobs.js';
import type { Evaluator, JobParams } from '../jobs.js';
import { metricsSchema } from '../scores.js';
import type { MetricsShape } from '../scores.js';
import type { JobStageOptions, Recorder, StageDraft } from '../recorder.js';
import { targetOf } from '../references.js';
import type { DatasetRef, ModelRef, ScoresRef, SplitRef } from '../references.js';
import { after, count, duration, reference } from '../shapes.js';

export interface EvaluateOptions<S extends MetricsShape> extends JobStageOptions {
  model: ModelRef;
  /** The rows to judge by: a part of a split data set, or a whole one that was never split. */
  data: SplitRef | DatasetRef<'whole'>;
  /** The command that scores. */
  with: Evaluator;
  /** Hyperparameters of the evaluator. */
  params?: JobParams;
  /** Metrics that `metrics.json` must hold: a zod object of numbers, or of records of numbers. */
  metrics: z.ZodType<S>;
}

const shape = z.strictObject({
  model: reference('a model', 'model'),
  data: reference('a part of a data set', 'split', 'dataset'),
  with: jobShape('evaluator'),
  params: z.record(z.string(), z.any()).optional(),
  metrics: z.any(),
  after: after.optional(),
  timeout: duration.optional(),
  attempts: count(1, 10).optional(),
});

/** Records a scoring job. The same evaluator and data score the champion when a gate compares with it. */
export function evaluate<S extends MetricsShape>(
  recorder: Recorder,
  id: string,
  options: EvaluateOptions<S>,
): ScoresRef<S> {
  const { schema, problem } = metricsSchema(options?.metrics);
  const settle = (draft: StageDraft, o: EvaluateOptions<S>): object => {
    if (problem !== undefined)
      draft.fault(
        'E_SCHEMA',
        '/metrics',
        problem,
        'write z.object({ accuracy: z.number(), recall: z.record(z.string(), z.number()) })',
      );
    draft.bind('/model', o.model);
    const facts = draft.bind('/data', o.data);
    if (targetOf(o.data)?.split === 'split')
      draft.fault(
        'E_SCHEMA',
        '/data',
        `${facts?.name ?? 'the data set'} is split; scoring all of it would score what was trained on`,
        'hand over its `holdout`',
      );
    return { ...jobSettings(o.with, draft.literals('/params', o.params ?? {})), metrics: schema };
  };
  const draft = recorder.add('evaluate', id, options, { shape, timeout: '1h', settle });
  return draft.output('scores', [], { metrics: schema }) as ScoresRef<S>;
}
