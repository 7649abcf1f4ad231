import { z } from 'zod';
import type { JsonValue } from '../jobs.js';
import type { JsonObject } from '../../plan/json.js';
import type * as outputs from '../../plan/outputs.js';
import { valueSchema } from '../param-schema.js';
import type { Recorder, StageDraft, StageSpec } from '../recorder.js';
import type {
  ApprovalRef,
  DatasetRef,
  GateRef,
  ListRef,
  ModelRef,
  PromotionRef,
  Reference,
  RolloutRef,
  ScoresRef,
  SplitRef,
  TaskRef,
  ValueRef,
  VersionRef,
} from '../references.js';
import { attemptShape, cacheShape, stageShape } from '../stage-options.js';
import type { AttemptOptions, CacheOptions, StageOptions } from '../stage-options.js';
import type { TaskContext, TaskFunctions } from '../task-functions.js';
import { valueReference } from '../value-references.js';
import { withoutUndefined } from '../../plan/json.js';

/** What a task may be given, by name: JSON, or anything that other stages give. */
export type TaskInput = { readonly [name: string]: JsonValue | AnyInput };
type AnyInput =
  | ValueRef<unknown>
  | ListRef<unknown>
  | Reference<'dataset' | 'split' | 'model' | 'scores' | 'gate' | 'version' | 'approval' | 'rollout' | 'promotion'>;

/** What a reference is when the author's function runs. */
export type Given<R> =
  R extends ValueRef<infer T>
    ? T
    : R extends ListRef<infer E>
      ? Given<E>[]
      : R extends ScoresRef<infer S>
        ? outputs.ScoresOutput & { metrics: S }
        : R extends DatasetRef
          ? outputs.DatasetOutput
          : R extends SplitRef
            ? outputs.Split
            : R extends ModelRef
              ? outputs.ModelOutput
              : R extends GateRef
                ? outputs.GateOutput
                : R extends VersionRef
                  ? outputs.VersionOutput
                  : R extends ApprovalRef
                    ? outputs.ApprovalOutput
                    : R extends RolloutRef
                      ? outputs.RolloutOutput
                      : R extends PromotionRef
                        ? outputs.PromotionOutput
                        : R;
type Inputs<I> = { readonly [N in keyof I]: Given<I[N]> };

/** The author's own TypeScript. It runs in a process of its own, never in the workflow, from the code that the plan pins. */
export interface TaskWork<I extends TaskInput, T, N = T> extends AttemptOptions, CacheOptions {
  /** What `run` is given, by name. Default nothing. */
  input?: I;
  /**
   * What `run` returns: a zod schema of what survives JSON Schema (as for params). Checked when the task is done; other stages
   * take the value, or one of its members, as a reference.
   */
  output: z.ZodType<T, N>;
  /** Does the work. Literals of an enum are returned `as const`. May be called again after a crash: make it idempotent. */
  run: (input: Inputs<I>, context: TaskContext) => NoInfer<N> | Promise<NoInfer<N>>;
}
export interface TaskOptions<I extends TaskInput, T, N = T> extends TaskWork<I, T, N>, StageOptions {
  /** Undoes what `run` did, when a stage with `onFailure: 'compensate'` fails. May be called again after a crash. */
  compensate?: (
    done: { readonly input: Inputs<I>; readonly output: NoInfer<T> },
    context: TaskContext,
  ) => void | Promise<void>;
}

const isFunction = (v: unknown): boolean => typeof v === 'function';
const shape = z.strictObject({
  input: z.record(z.string(), z.any()).optional(),
  output: z.any(),
  run: z.custom(isFunction, 'expects a function: async (input, { signal }) => ({ ... })'),
  compensate: z.custom(isFunction, 'expects a function: async ({ input, output }) => { ... }').optional(),
  ...stageShape,
  ...attemptShape,
  ...cacheShape,
});

type AnyTask = TaskOptions<TaskInput, unknown>;

function settle(recorder: Recorder, draft: StageDraft, options: AnyTask): object {
  const { schema, wrong } = valueSchema(options.output, '/output');
  for (const { code, at, message, fix } of wrong) draft.fault(code, at, message, fix);
  const input = draft.literals('/input', options.input ?? {}, (kind) => kind !== undefined && !untaken.has(kind));
  const { run, compensate, output } = options;
  const functions = { run, ...withoutUndefined({ compensate }), input, output };
  recorder.tasks.set(draft.id, functions as unknown as TaskFunctions);
  return { input, output: schema, compensates: compensate !== undefined };
}
/** Kinds without anything to read. */
const untaken = new Set<string>(['route', 'run', 'notice']);

/** What the recorder needs to know of tasks. */
export function taskSpec(recorder: Recorder): StageSpec<AnyTask> {
  return { shape, settle: (draft, options) => settle(recorder, draft, options) };
}

/** JSON Schema of what a task returns; empty when it is wrong. */
export function taskSchema(options: { output?: unknown } | undefined): JsonObject {
  return valueSchema(options?.output, '').schema;
}

/** Records the author's own work. */
export function task(recorder: Recorder, id: string, options: AnyTask): TaskRef<unknown> {
  const draft = recorder.add('task', id, options, taskSpec(recorder));
  const origin = draft.origin(['value'], `the value of stage \`${draft.id}\``);
  return valueReference(origin, taskSchema(options)) as TaskRef<unknown>;
}
