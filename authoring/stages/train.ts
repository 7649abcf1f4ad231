import type { Ref } from '../../plan/plan.js';
import { z } from 'zod';
import { pointerStep } from '../../plan/json.js';
import { needShape } from '../job-needs.js';
import type { JobNeeds } from '../job-needs.js';
import { jobSettings, jobShape } from '../jobs.js';
import type { JobParams, Trainer } from '../jobs.js';
import type { Recorder, StageDraft, StageSpec } from '../recorder.js';
import { makeReference } from '../references.js';
import type { DatasetRef, ModelRef, SplitRef } from '../references.js';
import { identifier, reference } from '../shapes.js';
import { attemptShape, budgetShape, cacheShape, stageShape } from '../stage-options.js';
import type { AttemptOptions, BudgetOptions, CacheOptions, StageOptions } from '../stage-options.js';
import type { Origin } from '../value-references.js';

/** What a trainer may see: a data set (its `train` part when it is split), or that part itself. */
export type TrainInput = DatasetRef | SplitRef<'train'>;

interface TrainCommon extends AttemptOptions, CacheOptions, JobNeeds {
  trainer: Trainer;
  /** Hyperparameters: JSON or values of the run. */
  params?: JobParams;
}
/** What is trained, and how. */
export type TrainWork = TrainCommon &
  (
    | { /** The one input; its channel is `train`. */ data: TrainInput; inputs?: undefined }
    | { data?: undefined; /** Several inputs by channel name. */ inputs: Readonly<Record<string, TrainInput>> }
  );
export type TrainOptions = TrainWork & StageOptions & BudgetOptions;

const input = reference('a data set or its `train` part', 'dataset', 'split');
const shape = z
  .strictObject({
    trainer: jobShape('trainer'),
    data: input.optional(),
    inputs: z.record(identifier as z.ZodType<string>, input).optional(),
    params: z.record(z.string(), z.any()).optional(),
    ...needShape,
    ...stageShape,
    ...attemptShape,
    ...cacheShape,
    ...budgetShape,
  })
  .refine(
    (o) => (o.data === undefined) !== (o.inputs === undefined || Object.keys(o.inputs).length === 0),
    'give either `data` or at least one of `inputs`',
  );

function settle(draft: StageDraft, options: TrainWork): object {
  const inputs = options.data === undefined ? options.inputs : { train: options.data };
  for (const [channel, data] of Object.entries(inputs)) {
    const facts = draft.bind(`/inputs${pointerStep(channel)}`, data);
    if (isHoldout(facts?.ref))
      draft.fault(
        'E_SCHEMA',
        `/inputs/${channel}`,
        'the holdout may not be trained on',
        'hand over the data set or its `train` part',
      );
  }
  return jobSettings(options.trainer, draft.literals('/params', options.params ?? {}), options);
}

function isHoldout(ref: Ref | undefined): boolean {
  if (ref?.from === 'either') return ref.refs.some(isHoldout);
  return ref?.path.at(-1) === 'holdout';
}

/** What the recorder needs to know of training. */
export const trainSpec: StageSpec<TrainOptions> = { shape, settle };

/** A reference to a trained model. */
export function modelReference({ root: ref, ...facts }: Origin): ModelRef {
  return makeReference({ kind: 'model', ref, ...facts }) as ModelRef;
}

/** Records a training job. */
export function train(recorder: Recorder, id: string, options: TrainOptions): ModelRef {
  const draft = recorder.add('train', id, options, trainSpec);
  return modelReference(draft.origin([], `the model of stage \`${draft.id}\``));
}
