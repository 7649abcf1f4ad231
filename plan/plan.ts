import type { AnalysisRule } from './analysis-rule.js';
import type { Expectation } from './expectation.js';
import type { GateRule } from './gate-rule.js';
import type { Json, JsonObject } from './json.js';
import type { Schedule } from './schedule.js';

/** Version of the stored form. A reader knows this one and the one before. */
export const planFormat = 2;

export type Verb =
  | 'snapshot'
  | 'validate'
  | 'task'
  | 'train'
  | 'evaluate'
  | 'gate'
  | 'register'
  | 'approve'
  | 'rollout'
  | 'promote'
  | 'each'
  | 'when'
  | 'run'
  | 'notify';

/**
 * Where a value comes from when the run is walked. `item`: the element of the list that an `each` maps over.
 * `either`: what the branch of a `when` gave that was taken; the other one's stage was skipped.
 */
export type Ref =
  | { from: 'param'; path: string[] }
  | { from: 'stage'; stage: string; path: string[] }
  | { from: 'item'; path: string[] }
  | { from: 'either'; refs: Ref[] };

/** Puts the value of `ref` into the stage's inputs at a JSON pointer. Literals never stand here, so no value is ever taken for a reference. */
export interface Binding {
  at: string;
  ref: Ref;
}

/** How long and how often a stage may try. */
export interface Limits {
  /** One attempt's time limit, milliseconds. */
  timeoutMs: number;
  /** Stage attempts: how many jobs may be started for it. Default 1. */
  attempts: number;
  /** Pause before a new stage attempt: `waitMs`, then each time `backoff` times as long, at most `maxMs`. Absent: `retryDefaults`. */
  retry?: { waitMs: number; backoff: number; maxMs: number };
}

/**
 * What a stage's failure means for the run. `continue`: the run goes on, stages that need its data are skipped.
 * `compensate`: tasks that are done and have a compensation undo their work, newest first; then the run fails. Absent: the run fails.
 */
export type OnFailure = 'continue' | 'compensate';

interface StageBase<V extends Verb, S> {
  /** Kebab-case, unique in the plan. */
  id: string;
  verb: V;
  /** Ids of the stages that must be done before, sorted. */
  needs: string[];
  /** Sorted by `at`. */
  bindings: Binding[];
  /** Literal settings; what bindings add is not here. */
  settings: S;
  limits: Limits;
  /** Own queue of workers, for stages that need other machines. Absent: the verb's queue. */
  pool?: string;
  /** Whether an earlier result of the same code, params, inputs and environment lock may stand in. Absent: the verb's default. */
  cache?: boolean;
  onFailure?: OnFailure;
  /** What the stage's jobs may have cost before another one must be approved, in the environment's currency. Absent: any. */
  budget?: number;
  /** Runs only when the `when` stage `of` went this way. */
  branch?: { of: string; taken: boolean };
  /** Where the author wrote it. */
  source: { file: string; line: number; column: number };
}

/** A command that runs as a job on a trainer, under the job contract. */
export interface JobSettings {
  /** Which trainer adapter runs it, with its own options. */
  trainer: { adapter: string; run: string[]; folder?: string; options?: JsonObject };
  /** Literal hyperparameters; bound ones are added at `/params/<name>`. */
  params: JsonObject;
  /** What the job asks for; what is absent is the trainer's default. `cpu` in cores, `memoryMb` in MiB, `gpu` in devices. */
  resources?: { cpu?: number; memoryMb?: number; gpu?: number };
  /** Variable of the job → reference to a secret (`env:NAME`, `file:PATH`), resolved by the worker that starts the job. */
  secrets?: Record<string, string>;
}

/** Deterministic split of a snapshot into `train` and `holdout`. */
export interface SplitSettings {
  /** Share of rows (or groups) held out, 0 < share < 1. */
  holdout: number;
  /** Column whose equal values stay together. */
  by?: string;
  /** Column whose shares are kept equal in both parts. */
  stratify?: string;
  /** Default 42. */
  seed: number;
}

export type SnapshotStage = StageBase<'snapshot', { from?: string; source?: JobSettings; split?: SplitSettings }>;
export type ValidateStage = StageBase<'validate', { suite: Expectation[]; maxFailureRate: number }>;
export type TrainStage = StageBase<'train', JobSettings>;
export type EvaluateStage = StageBase<'evaluate', JobSettings & { metrics: JsonObject }>;
export type GateStage = StageBase<
  'gate',
  {
    rules: GateRule[];
    champion?: string;
    scores: string;
    /** False: a no does not end the run; its verdict is a value that a `when` routes on. */
    stop?: false;
    /** A metric that is perfect fails the gate instead of being noted. */
    perfect?: 'deny';
  }
>;
export type RegisterStage = StageBase<'register', { as: string; alias: string; version?: string }>;
export type ApproveStage = StageBase<
  'approve',
  { by: string[]; quorum: number; withinMs: number; onTimeout: 'reject' | 'approve' }
>;

export interface CanarySettings {
  kind: 'canary';
  /** Increasing weights in percent, 1 to 99 (100 follows by itself), each with the least time it is held. */
  steps: { weight: number; holdMs: number }[];
  /** How long 100 % is watched before the promotion is recorded. */
  bakeMs: number;
}
export type RolloutStage = StageBase<
  'rollout',
  { service?: string; strategy: CanarySettings; analysis: AnalysisRule[]; smoke: Json[] }
>;

/** The author's own TypeScript, run as an activity from the packed pipeline file. Bound inputs stand at `/input/<name>`. */
export type TaskStage = StageBase<'task', { input: JsonObject; output: JsonObject; compensates: boolean }>;
/** Maps one stage over the list bound at `/over`. `item` is the stage that runs for each element; its id is this stage's. */
export type EachStage = StageBase<
  'each',
  {
    item: TaskStage | TrainStage | EvaluateStage;
    concurrency: number;
    onItemFailure: 'fail' | 'continue';
    /** The element whose number at this path of the output is best. */
    best?: { path: string[]; direction: 'max' | 'min' };
  }
>;
/** Routes on the value bound at `/on`: taken when it equals `is`. */
export type WhenStage = StageBase<'when', { is: Json }>;
/** Starts another pipeline as a child; bound params stand at `/params/<name>`. */
export type RunStage = StageBase<'run', { pipeline: string; params: JsonObject }>;
/** Tells people; bound facts stand at `/facts/<name>`. */
export type NotifyStage = StageBase<'notify', { text: string; facts: JsonObject }>;
/** Writes the promotion record of a model without traffic, bound at `/version`. */
export type PromoteStage = StageBase<'promote', { service?: string }>;

export type Stage =
  | SnapshotStage
  | TaskStage
  | EachStage
  | WhenStage
  | RunStage
  | NotifyStage
  | PromoteStage
  | ValidateStage
  | TrainStage
  | EvaluateStage
  | GateStage
  | RegisterStage
  | ApproveStage
  | RolloutStage;

/** Packed code, by digest; it stands in the store under `keys.bundle` (pipeline file) or `keys.code` (folder). */
export interface CodeRef {
  sha256: string;
  bytes: number;
}

/** A pipeline file with its imports, packed. */
export interface PackedFile extends CodeRef {
  /** Its source map, under `keys.sourceMap`: failures name the author's own lines. Not part of what the code is: a comment moves lines. */
  map?: CodeRef;
}

/** A folder of trainer or evaluator code, packed. */
export interface CodeFolder extends CodeRef {
  /** Hex SHA-256 that names the Python environment (bytes of requirements.txt, then `3.11`), when it has one. */
  requirements?: string;
}

/** A recorded pipeline: plain, sorted, digested (SHA-256 of its canonical JSON). */
export interface Plan {
  format: typeof planFormat;
  pipeline: string;
  owner?: string;
  /** Of its jobs where they wait for a slot, 1 to 5, lower first. Absent: 3. */
  priority?: number;
  /** The pipeline's semantic version, when its author gives one. */
  version?: string;
  /** When runs start by themselves, when its author says so. */
  schedule?: Schedule;
  /** What all jobs of a run may have cost before another one must be approved, in the environment's currency. Absent: any. */
  budget?: number;
  /** JSON Schema of the params. */
  params: JsonObject;
  /** In topological order, ties by the order of definition. */
  stages: Stage[];
  /** The pipeline file with its imports, and every trainer or evaluator folder by its path. */
  code: { pipeline: PackedFile; folders: Record<string, CodeFolder> };
}

/** What `deployed/<environment>/<pipeline>.json` holds. */
export interface DeployedPointer {
  format: 1;
  pipeline: string;
  environment: string;
  plan: string;
  at: string;
  by: string;
}
