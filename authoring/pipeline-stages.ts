import type { z } from 'zod';
import type { ItemStages } from './item-stages.js';
import type { Recorder } from './recorder.js';
import type {
  ApprovalRef,
  CheckedDatasetRef,
  ChildRunRef,
  DatasetRef,
  GateRef,
  ModelRef,
  NoticeRef,
  PromotionRef,
  RolloutRef,
  ScoresRef,
  SplitState,
  TaskRef,
  VersionRef,
} from './references.js';
import type { MetricsShape } from './scores.js';
import { approve } from './stages/approve.js';
import type { ApproveOptions } from './stages/approve.js';
import { each } from './stages/each.js';
import type { Best, Compared, EachOptions, EachRef, ElementOf, List } from './stages/each.js';
import { evaluate } from './stages/evaluate.js';
import type { EvaluateOptions } from './stages/evaluate.js';
import { gate } from './stages/gate.js';
import type { Champion, GateOptions } from './stages/gate.js';
import { notify } from './stages/notify.js';
import type { NotifyOptions } from './stages/notify.js';
import { promote } from './stages/promote.js';
import type { PromoteOptions } from './stages/promote.js';
import { register } from './stages/register.js';
import type { RegisterOptions } from './stages/register.js';
import { rollout } from './stages/rollout.js';
import type { RolloutOptions } from './stages/rollout.js';
import { run } from './stages/run.js';
import type { RunByName, RunOptions } from './stages/run.js';
import { snapshot } from './stages/snapshot.js';
import type { SnapshotOptions, SplitOptions } from './stages/snapshot.js';
import { task } from './stages/task.js';
import type { TaskInput, TaskOptions } from './stages/task.js';
import { train } from './stages/train.js';
import type { TrainOptions } from './stages/train.js';
import { when } from './stages/when.js';
import type { Joined, Ways, WhenOptions } from './stages/when.js';
import { validate } from './stages/validate.js';
import type { ValidateOptions } from './stages/validate.js';

/** The verbs of a pipeline. Each takes a kebab-case id, unique in the pipeline, and returns a reference to what the stage gives. */
export interface Stages {
  /** Pins data: the same bytes are one data set for ever. With `split`, it has `train` and `holdout`. */
  snapshot<P extends SplitOptions | undefined = undefined>(
    id: string,
    options: SnapshotOptions<P>,
  ): DatasetRef<P extends SplitOptions ? 'split' : 'whole'>;
  /** Checks a data set against expectations; one that fails ends the run as rejected, before any training. */
  validate<S extends SplitState>(id: string, options: ValidateOptions<S>): CheckedDatasetRef<S>;
  /** Runs your own TypeScript, in a process of its own. Time limit 10 min by default. */
  task<I extends TaskInput, T, N = T>(id: string, options: TaskOptions<I, T, N>): TaskRef<T>;
  /** Trains a model as a job. Time limit 24 h by default. */
  train(id: string, options: TrainOptions): ModelRef;
  /** Scores a model on data as a job. Time limit 1 h by default. */
  evaluate<S extends MetricsShape>(id: string, options: EvaluateOptions<S>): ScoresRef<S>;
  /**
   * Maps one stage over a list that is known only when the run is walked: `p.each('sweep', { over: params.rates }, (rate, p) => p.train({ ... }))`.
   * The results keep the order of the list; with `best`, `.best` is the best of them.
   */
  each<
    L extends List,
    R extends Compared<B>,
    F extends 'fail' | 'continue' = 'fail',
    const B extends Best | undefined = undefined,
  >(
    id: string,
    options: EachOptions<L, F, B>,
    item: (element: ElementOf<L>, p: ItemStages) => R,
  ): EachRef<R, F, B>;
  /** Takes one of two ways by a verdict or a value. Stages of the other way are skipped, and so are those that need their data. */
  when<T, A, B = undefined>(id: string, options: WhenOptions<T>, ways: Ways<A, B>): Joined<A, B>;
  /** Starts another pipeline and waits for its end. One that ends rejected, rolled back or failed ends this run, too. */
  run<P extends z.ZodType>(id: string, options: RunOptions<P>): ChildRunRef;
  run(id: string, options: RunByName): ChildRunRef;
  /** Judges scores, on their own or against the champion; a no ends the run as rejected. */
  gate<S extends MetricsShape, C extends Champion | undefined = undefined>(
    id: string,
    options: GateOptions<S, C>,
  ): GateRef;
  /** Packages a model reproducibly and registers it. */
  register(id: string, options: RegisterOptions): VersionRef;
  /** Waits for people. */
  approve(id: string, options: ApproveOptions): ApprovalRef;
  /** Moves traffic to a version step by step, watching it, and home again when it misbehaves. */
  rollout(id: string, options: RolloutOptions): RolloutRef;
  /** Makes a version the champion at once, for models without traffic, such as batch scoring. */
  promote(id: string, options: PromoteOptions): PromotionRef;
  /** Tells people. */
  notify(id: string, options: NotifyOptions): NoticeRef;
}

/** The verbs, bound to a recorder. */
export function stagesOf(recorder: Recorder): Stages {
  return {
    snapshot: ((id: string, options: SnapshotOptions) => snapshot(recorder, id, options)) as Stages['snapshot'],
    validate: (id, options) => validate(recorder, id, options),
    task: ((id: string, options: never) => task(recorder, id, options)) as unknown as Stages['task'],
    train: (id, options) => train(recorder, id, options),
    evaluate: ((id: string, options: EvaluateOptions<MetricsShape>) =>
      evaluate(recorder, id, options)) as Stages['evaluate'],
    each: ((id: string, options: never, item: never) => each(recorder, id, options, item)) as unknown as Stages['each'],
    when: ((id: string, options: never, ways: never) => when(recorder, id, options, ways)) as unknown as Stages['when'],
    run: ((id: string, options: never) => run(recorder, id, options)) as unknown as Stages['run'],
    gate: ((id: string, options: GateOptions<MetricsShape>) => gate(recorder, id, options)) as Stages['gate'],
    register: (id, options) => register(recorder, id, options),
    approve: (id, options) => approve(recorder, id, options),
    rollout: (id, options) => rollout(recorder, id, options),
    promote: (id, options) => promote(recorder, id, options),
    notify: (id, options) => notify(recorder, id, options),
  };
}
