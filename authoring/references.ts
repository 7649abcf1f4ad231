import type { Json } from '../plan/json.js';
import type { Ref } from '../plan/plan.js';
import { SlipwayError } from '../plan/errors.js';

/** What a reference stands for. */
export type RefKind = 'param' | 'dataset' | 'split' | 'model' | 'scores' | 'gate' | 'version' | 'approval' | 'rollout';

declare const kind: unique symbol;
declare const value: unique symbol;

/** A value that exists only when the run is walked. It can be handed on, not looked into. */
export interface Reference<K extends RefKind, T = unknown> {
  readonly [kind]: K;
  readonly [value]: T;
}

/** A param of the run, typed by the params schema. Members of object params are references too. */
export type ParamRef<T> = Reference<'param', T> &
  ([T] extends [Members] ? { readonly [K in keyof T]: ParamRef<T[K]> } : unknown);
type Members = { readonly [key: string]: Json | undefined };

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
export type ScoresRef<S> = Reference<'scores', S>;
/** The verdict of an offline gate. */
export type GateRef = Reference<'gate'>;
/** A registered model version. */
export type VersionRef = Reference<'version'>;
/** A person's decision. */
export type ApprovalRef = Reference<'approval'>;
/** The end of a rollout. */
export type RolloutRef = Reference<'rollout'>;

/** A reference to a stage, as `after` takes it. */
export type StageRef = Reference<Exclude<RefKind, 'param'>>;

/** Facts behind a reference; for the recorder, never for pipeline files. */
export interface Target {
  kind: RefKind;
  ref: Ref;
  /** The recording that made it: references do not travel between pipelines. */
  recording: object;
  /** What it is called in messages: "the model of stage `train`", "param `epochs`". */
  name: string;
  split?: SplitState;
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
  if (of === 'scores') return 'judge scores with `p.gate(id, { scores, rules: (m) => [...] })`';
  return 'hand the reference itself to the stage that needs it, or name it in `after`';
}
