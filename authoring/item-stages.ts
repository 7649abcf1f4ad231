import type { JsonObject } from '../plan/json.js';
import type { Verb } from '../plan/plan.js';
import { StageDraft } from './recorder.js';
import type { Recorder, StageSpec } from './recorder.js';
import type { ModelRef, Reference, ScoresRef, TaskRef, ValueKind } from './references.js';
import { metricsSchema } from './scores.js';
import type { MetricsShape } from './scores.js';
import { evaluateSpec, scoresReference } from './stages/evaluate.js';
import type { EvaluateWork } from './stages/evaluate.js';
import { taskSchema, taskSpec } from './stages/task.js';
import type { TaskInput, TaskWork } from './stages/task.js';
import { modelReference, trainSpec } from './stages/train.js';
import type { TrainWork } from './stages/train.js';
import { valueReference } from './value-references.js';
import type { Origin } from './value-references.js';

/** What one element of an `each` may give. */
export type ItemResult = Reference<'model' | 'scores' | ValueKind>;

/** The verbs inside an `each`. They take no id: the stage has the id of the `each`. */
export interface ItemStages {
  /** Trains a model for each element. */
  train(options: TrainWork): ModelRef;
  /** Scores a model for each element. */
  evaluate<S extends MetricsShape>(options: EvaluateWork<S>): ScoresRef<S>;
  /** Runs your own TypeScript for each element. */
  task<I extends TaskInput, T, N = T>(options: TaskWork<I, T, N>): TaskRef<T>;
}

/** The stage that was recorded inside an `each`. */
export interface RecordedItem {
  draft: StageDraft;
  /** What the author's function got for it. */
  given: object;
  /** Makes a reference to one result. */
  reference(origin: Origin): object;
  /** Path in the stage's output of the value that references stand for. */
  valueAt: string[];
  /** Path in the stage's output, and schema, of the numbers that results are compared by. */
  path: string[];
  numbers: JsonObject;
}
/** What a function recorded; `refused` when it called a verb that cannot stand there. */
export interface RecordedItems {
  items: RecordedItem[];
  refused: boolean;
}

export function recordedItem(): RecordedItems {
  return { items: [], refused: false };
}

/** The verbs for the function of an `each`; what they record goes to `found`. */
export function itemStages(recorder: Recorder, each: StageDraft, found: RecordedItems): ItemStages {
  const add = <O extends object>(
    verb: Verb,
    given: O,
    spec: StageSpec<O>,
    item: Omit<RecordedItem, 'draft' | 'given'>,
  ) => {
    const draft = new StageDraft(recorder, verb, each.id, each);
    const { options, misplaced } = withoutOuter(given);
    for (const name of misplaced)
      draft.fault('E_EACH', `/${name}`, `\`${name}\` is no option of the stage inside an \`each\``, outer[name]);
    recorder.settle(draft, options, spec);
    const reference = item.reference(draft.origin(item.valueAt, `the result of stage \`${each.id}\``));
    found.items.push({ draft, given: reference, ...item });
    return reference;
  };
  const verbs = {
    train: (o: TrainWork) =>
      add('train', o, trainSpec, { reference: modelReference, valueAt: [], path: ['metrics'], numbers: {} }),
    evaluate: (o: EvaluateWork<MetricsShape>) =>
      add('evaluate', o, evaluateSpec, {
        reference: (origin) => scoresReference(origin, o?.metrics),
        valueAt: [],
        path: ['metrics'],
        numbers: metricsSchema(o?.metrics).schema,
      }),
    task: (o: TaskWork<TaskInput, unknown>) =>
      add('task', o as never, taskSpec(recorder), {
        reference: (origin) => valueReference(origin, taskSchema(o)),
        valueAt: ['value'],
        path: ['value'],
        numbers: taskSchema(o),
      }),
  };
  return new Proxy(verbs, {
    get: (own, name) => (Object.hasOwn(own, name) ? Reflect.get(own, name) : refusal(each, String(name), found)),
  }) as unknown as ItemStages;
}

const outer: Record<string, string> = {
  after: 'write it on the `each`: all elements wait for the same stages',
  onFailure: 'write it on the `each`; for single elements there is `onItemFailure`',
  compensate: 'undo the work of all elements in a task of its own',
};

function withoutOuter<O extends object>(given: O): { options: O; misplaced: string[] } {
  if (given === null || typeof given !== 'object') return { options: given, misplaced: [] };
  const misplaced = Object.keys(outer).filter((name) => name in given);
  const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !misplaced.includes(name)));
  return { options: misplaced.length === 0 ? given : (rest as O), misplaced };
}

function refusal(each: StageDraft, verb: string, found: RecordedItems): () => undefined {
  return () => {
    found.refused = true;
    each.fault(
      'E_EACH',
      '',
      `\`${verb}\` cannot stand inside an \`each\`: known are train, evaluate, task`,
      'map one of these; put the other stage before or after the `each`',
    );
  };
}
