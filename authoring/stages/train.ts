import type { Ref } from '../../plan/plan.js';
import { z } from 'zod';
import { pointerStep } from '../../plan/json.js';
import { jobSettings, jobShape } from '../jobs.js';
import type { JobParams, Trainer } from '../jobs.js';
import type { JobStageOptions, Recorder, StageDraft } from '../recorder.js';
import type { DatasetRef, ModelRef, SplitRef } from '../references.js';
import { after, count, duration, identifier, reference } from '../shapes.js';

/** What a trainer may see: a data set (its `train` part when it is split), or that part itself. */
export type TrainInput = DatasetRef | SplitRef<'train'>;

interface TrainCommon extends JobStageOptions {
  trainer: Trainer;
  /** Hyperparameters: JSON or params of the run. */
  params?: JobParams;
}
export type TrainOptions = TrainCommon &
  (
    | { /** The one input; its channel is `train`. */ data: TrainInput; inputs?: undefined }
    | { data?: undefined; /** Several inputs by channel name. */ inputs: Readonly<Record<string, TrainInput>> }
  );

const input = reference('a data set or its `train` part', 'dataset', 'split');
const shape = z
  .strictObject({
    trainer: jobShape('trainer'),
    data: input.optional(),
    inputs: z.record(identifier as z.ZodType<string>, input).optional(),
    params: z.record(z.string(), z.any()).optional(),
    after: after.optional(),
    timeout: duration.optional(),
    attempts: count(1, 10).optional(),
  })
  .refine(
    (o) => (o.data === undefined) !== (o.inputs === undefined || Object.keys(o.inputs).length === 0),
    'give either `data` or at least one of `inputs`',
  );

function settle(draft: StageDraft, options: TrainOptions): object {
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
  return jobSettings(options.trainer, draft.literals('/params', options.params ?? {}));
}

function isHoldout(ref: Ref | undefined): boolean {
  if (ref?.from === 'either') return ref.refs.some(isHoldout);
  return ref?.path.at(-1) === 'holdout';
}

/** Records a training job. */
export function train(recorder: Recorder, id: string, options: TrainOptions): ModelRef {
  const draft = recorder.add('train', id, options, { shape, timeout: '24h', settle });
  return draft.output('model', []) as ModelRef;
}
