import { z } from 'zod';
import { suiteShape } from '../expectations.js';
import type { Suite } from '../expectations.js';
import type { Recorder, StageDraft } from '../recorder.js';
import { targetOf } from '../references.js';
import type { CheckedDatasetRef, DatasetRef, SplitState } from '../references.js';
import { finite, reference } from '../shapes.js';
import { attemptShape, cacheShape, stageShape } from '../stage-options.js';
import type { CacheOptions, JobStageOptions } from '../stage-options.js';
import { datasetReference } from './snapshot.js';

export interface ValidateOptions<S extends SplitState> extends JobStageOptions, CacheOptions {
  data: DatasetRef<S>;
  /** What must hold, from `suite((d) => [...])`. */
  suite: Suite;
  /** Share of rows that may fail an expectation, 0 to 1. Default 0. */
  maxFailureRate?: number;
}

const shape = z.strictObject({
  data: reference('a data set', 'dataset'),
  suite: suiteShape,
  maxFailureRate: finite(0, 1).optional(),
  ...stageShape,
  ...attemptShape,
  ...cacheShape,
});

function settle(draft: StageDraft, options: ValidateOptions<SplitState>): object {
  draft.bind('/data', options.data);
  return { suite: options.suite.expectations, maxFailureRate: options.maxFailureRate ?? 0 };
}

/** Records a validation: a data set that fails ends the run as rejected before anything is trained. */
export function validate<S extends SplitState>(
  recorder: Recorder,
  id: string,
  options: ValidateOptions<S>,
): CheckedDatasetRef<S> {
  const draft = recorder.add('validate', id, options as ValidateOptions<SplitState>, { shape, settle });
  return datasetReference(draft, ['data'], targetOf(options?.data)?.split ?? 'whole', true) as CheckedDatasetRef<S>;
}
