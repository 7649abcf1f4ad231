import { z } from 'zod';
import { dataSource } from '../../plan/data-source.js';
import type { SplitSettings } from '../../plan/plan.js';
import { jobSettings, jobShape } from '../jobs.js';
import type { JobParams, Source } from '../jobs.js';
import type { Recorder, StageDraft } from '../recorder.js';
import { targetOf } from '../references.js';
import type { DatasetRef, SplitState, ValueRef } from '../references.js';
import { count, finite, pathProblem, text, textOrValue } from '../shapes.js';
import { attemptShape, stageShape } from '../stage-options.js';
import type { JobStageOptions } from '../stage-options.js';

/** A deterministic split by hash: the same rows fall into the same part on every machine. */
export interface SplitOptions {
  /** Share held out, between 0 and 1. */
  holdout: number;
  /** Column whose equal values stay together, such as the template that sentences were made from. */
  by?: string;
  /** Column whose shares are kept equal in both parts. */
  stratify?: string;
  /** Default 42. */
  seed?: number;
}

export interface SnapshotOptions<
  P extends SplitOptions | undefined = SplitOptions | undefined,
> extends JobStageOptions {
  /** `file:relative/path.csv`, `s3://bucket/key`, or whatever the source understands. */
  from: string | ValueRef<string>;
  /** Makes the data from `from`. Without it, `from` names the data itself. */
  source?: Source;
  /** Hyperparameters of the source, beside `from`. */
  params?: JobParams;
  /** Splits the data into `train` and `holdout`. */
  split?: P;
}

const shape = z.strictObject({
  from: textOrValue,
  source: jobShape('source').optional(),
  params: z.record(z.string(), z.any()).optional(),
  split: z
    .strictObject({
      holdout: finite(0, 1, true),
      by: text.optional(),
      stratify: text.optional(),
      seed: count(0, 2 ** 31 - 1).optional(),
    })
    .optional(),
  ...stageShape,
  ...attemptShape,
});

function settle(draft: StageDraft, options: SnapshotOptions): object {
  const bound = targetOf(options.from) !== undefined;
  if (bound) draft.bind('/from', options.from);
  else if (options.source === undefined) checkAddress(draft, options.from as string);
  if (options.params !== undefined && options.source === undefined)
    draft.fault(
      'E_SCHEMA',
      '/params',
      'hyperparameters without a source',
      'add `source: sources.process({ run, folder })`, or leave `params` out',
    );
  return {
    ...(bound ? {} : { from: options.from as string }),
    ...(options.source === undefined
      ? {}
      : { source: jobSettings(options.source, draft.literals('/params', options.params ?? {})) }),
    ...(options.split === undefined ? {} : { split: { seed: 42, ...options.split } satisfies SplitSettings }),
  };
}

function checkAddress(draft: StageDraft, from: string): void {
  const source = dataSource(from);
  if (source.kind === 'object') return;
  if (source.kind === 'other') {
    draft.fault(
      'E_SCHEMA',
      '/from',
      `without a source, \`from\` is an address of data; \`${from}\` is none`,
      "write 'file:relative/path.csv' or 's3://bucket/key', or add a `source`",
    );
    return;
  }
  const problem = pathProblem(source.path);
  if (problem !== undefined)
    draft.fault('E_PATH_ESCAPE', '/from', problem, 'write the path relative to the project folder, without `..`');
}

/** Records a snapshot: the same bytes give the same data set for ever. */
export function snapshot(recorder: Recorder, id: string, options: SnapshotOptions): DatasetRef {
  const draft = recorder.add('snapshot', id, options, { shape, settle });
  const state: SplitState = options?.split === undefined ? 'whole' : 'split';
  return datasetReference(draft, [], state, false);
}

/** A reference to a data set at a path of a stage's output, with its parts when it is split. */
export function datasetReference(draft: StageDraft, path: string[], split: SplitState, checked: boolean): DatasetRef {
  const part = (name: string) =>
    draft.output('split', [...path, 'splits', name], { name: `the ${name} part of stage \`${draft.id}\`` });
  const parts = split === 'split' ? { train: part('train'), holdout: part('holdout') } : {};
  const name = `the ${checked ? 'checked ' : ''}data set of stage \`${draft.id}\``;
  return draft.output('dataset', path, { split, name }, parts) as DatasetRef;
}
