import { z } from 'zod';
import type { JsonObject } from '../../plan/json.js';
import { needShape } from '../job-needs.js';
import type { JobNeeds } from '../job-needs.js';
import { jobSettings, jobShape } from '../jobs.js';
import type { Evaluator, JobParams } from '../jobs.js';
import { metricsSchema } from '../scores.js';
import type { MetricsShape } from '../scores.js';
import type { Recorder, StageDraft, StageSpec } from '../recorder.js';
import { makeReference, targetOf } from '../references.js';
import type { DatasetRef, ModelRef, ScoresRef, SplitRef } from '../references.js';
import { reference } from '../shapes.js';
import { attemptShape, budgetShape, cacheShape, stageShape } from '../stage-options.js';
import type { AttemptOptions, BudgetOptions, CacheOptions, StageOptions } from '../stage-options.js';
import { valueReference } from '../value-references.js';
import type { Origin } from '../value-references.js';

/** What is scored, and how. */
export interface EvaluateWork<S extends MetricsShape> extends AttemptOptions, CacheOptions, JobNeeds {
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
export type EvaluateOptions<S extends MetricsShape> = EvaluateWork<S> & StageOptions & BudgetOptions;

const shape = z.strictObject({
  model: reference('a model', 'model'),
  data: reference('a part of a data set', 'split', 'dataset'),
  with: jobShape('evaluator'),
  params: z.record(z.string(), z.any()).optional(),
  metrics: z.any(),
  ...needShape,
  ...stageShape,
  ...attemptShape,
  ...cacheShape,
  ...budgetShape,
});

function settle(draft: StageDraft, options: EvaluateWork<MetricsShape>): object {
  const { schema, problem } = metricsSchema(options.metrics);
  if (problem !== undefined)
    draft.fault(
      'E_SCHEMA',
      '/metrics',
      problem,
      'write z.object({ accuracy: z.number(), recall: z.record(z.string(), z.number()) })',
    );
  draft.bind('/model', options.model);
  const facts = draft.bind('/data', options.data);
  if (targetOf(options.data)?.split === 'split')
    draft.fault(
      'E_SCHEMA',
      '/data',
      `${facts?.name ?? 'the data set'} is split; scoring all of it would score what was trained on`,
      'hand over its `holdout`',
    );
  return {
    ...jobSettings(options.with, draft.literals('/params', options.params ?? {}), options),
    metrics: schema,
  };
}

/** What the recorder needs to know of scoring. */
export const evaluateSpec: StageSpec<EvaluateOptions<MetricsShape>> = { shape, settle };

/** A reference to scores; `metrics` is the schema that was given to the stage. */
export function scoresReference({ root: ref, ...facts }: Origin, metrics: unknown): ScoresRef<MetricsShape> {
  const { schema } = metricsSchema(metrics);
  const root = { ...ref, path: [...ref.path, 'metrics'] };
  const parts = {
    metrics: valueReference({ ...facts, root, name: `${facts.name}, \`metrics\`` }, schema as JsonObject),
  };
  return makeReference({ kind: 'scores', ref, ...facts, metrics: schema }, parts) as ScoresRef<MetricsShape>;
}

/** Records a scoring job. The same evaluator and data score the champion when a gate compares with it. */
export function evaluate(
  recorder: Recorder,
  id: string,
  options: EvaluateOptions<MetricsShape>,
): ScoresRef<MetricsShape> {
  const draft = recorder.add('evaluate', id, options, evaluateSpec);
  return scoresReference(draft.origin([], `the scores of stage \`${draft.id}\``), options?.metrics);
}
