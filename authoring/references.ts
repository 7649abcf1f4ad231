import type { Json, JsonObject } from '../plan/json.js';
import type { Ref } from '../plan/plan.js';
import type { Verdict } from '../plan/verdict.js';
import type { Origin } from './value-references.js';
import { SlipwayError } from '../plan/errors.js';

/** What a reference stands for. */
export type RefKind =
  | 'param'
  | 'value'
  | 'item'
  | 'list'
  | 'dataset'
  | 'split'
  | 'model'
  | 'scores'
  | 'gate'
  | 'version'
  | 'approval'
  | 'rollout'
  | 'promotion'
  | 'route'
  | 'run'
  | 'notice';

declare const kind: unique symbol;
declare const value: unique symbol;

/** A value that exists only when the run is walked. It can be handed on, not looked into. */
export interface Reference<K extends RefKind, T = unknown> {
  readonly [kind]: K;
  readonly [value]: T;
}

/** Members of objects are references too, so that `plan.rows` can be handed on like `plan`. */
type WithMembers<K extends ValueKind, T> = Reference<K, T> &
  ([T] extends [Members] ? { readonly [N in keyof T]: WithMembers<K, T[N]> } : unknown);
type Members = { readonly [key: string]: Json | undefined };
export type ValueKind = 'param' | 'value' | 'item';

/** A param of the run, typed by the params schema. */
export type ParamRef<T> = WithMembers<'param', T>;
/** What a task returns, typed by its output schema; or one fact of what another stage gives. */
export type TaskRef<T> = WithMembers<'value', T>;
/** The element that an `each` is at. */
export type ItemRef<T> = WithMembers<'item', T>;
/** Any JSON value of the run: a param, what a task returned, an element of a list. */
export type ValueRef<T> = Reference<ValueKind, T>;

/** Whether a data set has been split into `train` and `holdout`. */
export type SplitState = 'whole' | 'split';

/** One part of a split data set. */
export type SplitRef<N extends 'train' | 'holdout' = 'train' | 'holdout'> = Reference<'split', N>;

interface Parts {
  /** The rows that a trainer may see. */
  readonly train: SplitRef<'train'>;
  /** The rows kept for judging. */
  readonly holdout: SplitRef<'holdout'>;
}
declare const checked: unique symbol;

/** An immutable data set; after a split it has `train` and `holdout`. */
export type DatasetRef<S extends SplitState = SplitState> = Reference<'dataset', S> &
  (S extends 'split' ? Parts : unknown);
/** A data set that passed its suite of expectations. */
export type CheckedDatasetRef<S extends SplitState = SplitState> = DatasetRef<S> & { readonly [checked]: true };
/** A trained model. */
export type ModelRef = Reference<'model'>;
/** Metrics of one model on one data set, typed by the schema given to `evaluate`. */
export type ScoresRef<S> = Reference<'scores', S> & { readonly metrics: TaskRef<S> };
/** The verdict of an offline gate: `verdict` is what a `when` routes on. */
export type GateRef = Reference<'gate'> & { readonly verdict: TaskRef<Verdict> };
/** A registered model version. `version` is the registry's number, `label` what the package is called. */
export type VersionRef = Reference<'version'> & {
  readonly name: TaskRef<string>;
  readonly version: TaskRef<string>;
  readonly label: TaskRef<string>;
};
/** A person's decision. */
export type ApprovalRef = Reference<'approval'> & {
  readonly decision: TaskRef<'approve' | 'reject' | 'timeout'>;
  readonly by: TaskRef<string | null>;
};
/** The end of a rollout. */
export type RolloutRef = Reference<'rollout'>;
/** A promotion without traffic. */
export type PromotionRef = Reference<'promotion'> & { readonly service: TaskRef<string> };
/** Which way a `when` went. */
export type RouteRef = Reference<'route'>;
/** The end of a child run. One that ends otherwise ends this run, too. */
export type ChildRunRef = Reference<'run'> & {
  readonly outcome: TaskRef<'completed' | 'promoted'>;
  readonly workflowId: TaskRef<string>;
};
/** A message that was sent. */
export type NoticeRef = Reference<'notice'>;
/** What an `each` gave: one result per element, in the order of the list. `E`: reference to one result. */
export type ListRef<E> = Reference<'list', E>;

/** A reference to a stage, as `after` takes it. */
export type StageRef = Reference<Exclude<RefKind, 'param' | 'item'>>;

/** Facts behind a reference; for the recorder, never for pipeline files. */
export interface Target {
  kind: RefKind;
  ref: Ref;
  /** The recording that made it: references do not travel between pipelines. */
  recording: object;
  /** What it is called in messages: "the model of stage `train`", "param `epochs`". */
  name: string;
  split?: SplitState;
  /** Of params, values and elements: JSON Schema of the value, when it is known. */
  schema?: JsonObject;
  /** Of lists: makes the reference to one element. */
  element?: (origin: Origin) => object;
  /** Of elements: the `each` that they belong to. */
  scope?: object;
  /** Of scores: JSON Schema of the metrics. Of versions: the registered name. */
  metrics?: Json;
  registeredAs?: string;
}

const target = Symbol.for('slipway.reference');

/** The object behind every reference. Turning it into a value throws. */
class RecordedReference {
  constructor(facts: Target) {
    Object.defineProperty(this, target, { value: facts });
  }
  [Symbol.toPrimitive](): never {
    return refuse(this, 'in an expression or a template string');
  }
  toString(): never {
    return refuse(this, 'as text');
  }
  toJSON(): never {
    return refuse(this, 'as JSON');
  }
  valueOf(): never {
    return refuse(this, 'as a value');
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `[${targetOf(this)?.name ?? 'reference'}]`;
  }
}

/** A reference with these facts; `parts` become its properties. */
export function makeReference(facts: Target, parts: Record<string, object> = {}): object {
  return Object.assign(new RecordedReference(facts), parts);
}

/** The facts behind a reference, or `undefined` for every other value. */
export function targetOf(candidate: unknown): Target | undefined {
  if (candidate === null || typeof candidate !== 'object') return undefined;
  return (candidate as { [target]?: Target })[target];
}

function refuse(reference: object, how: string): never {
  const facts = targetOf(reference);
  throw new SlipwayError({
    code: 'E_REFERENCE',
    message: `${facts?.name ?? 'a reference'} was used ${how}, but it has no value while the pipeline is recorded`,
    fix: adviceFor(facts?.kind),
  });
}

function adviceFor(of: RefKind | undefined): string {
  if (of === 'param')
    return 'hand the reference itself to a stage, as in `params: { epochs: params.epochs }`; its value is put in when the run starts';
  if (of === 'value' || of === 'item')
    return 'hand the reference itself to a stage; route on it with `p.when`, or compute with it in a `p.task`';
  if (of === 'gate')
    return "route on a verdict with `p.when(id, { on: gate.verdict, is: 'pass' }, { then: () => ... })`";
  if (of === 'scores') return 'judge scores with `p.gate(id, { scores, rules: (m) => [...] })`';
  return 'hand the reference itself to the stage that needs it, or name it in `after`';
}
