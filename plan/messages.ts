import type { Cost } from './cost.js';
import type { AttemptView } from './job-told.js';
import type { Json, JsonObject } from './json.js';
import { stepPhases, type CachedFrom, type RefusedSignal, type StageOutput } from './outputs.js';
import type { Verb } from './plan.js';
import type { Outcome, Verdict } from './verdict.js';

/** Form of a run's input that this build writes and reads. */
export const runInputFormat = 1;

/** The one argument of a pipeline run. `plan` and `environment` default to the deployed plan of the default environment. */
export interface RunInput {
  /** Absent is 1: the first form had no number. A later form, which means something else by a key, says its number. */
  format?: typeof runInputFormat;
  params?: JsonObject;
  plan?: string;
  environment?: string;
  /** Where the run came from: `cli`, `schedule`, …; for people. */
  trigger?: string;
  /** False: no earlier result stands in for a stage. Default true. */
  cache?: boolean;
  /** Of its jobs where they wait for a slot, 1 to 5, lower first. Default: the pipeline's. */
  priority?: number;
  /** Takes the outputs of an ended run for every stage that does not come after `from`. */
  rerun?: { workflowId: string; runId: string; from: string };
  /** State that a run hands to itself when it continues as new; never given from outside. */
  carried?: Json;
}

/** Payload of the `decide` signal and update. */
export interface Decision {
  decision: 'approve' | 'reject';
  by: string;
  reason?: string;
  stage?: string;
  token?: string;
}

/** Payload of the `progress` signal: how far the job of a stage is. `at` is ISO 8601. */
export interface ProgressNews {
  stage: string;
  attempt: number;
  numbers: Record<string, number>;
  at: string;
}

/** Payload of the `cost` signal: what the jobs of a cancelled child cost; `from` is its workflow id. */
export interface CostNews {
  from: string;
  cost: Cost;
}

/** `cached`: an earlier result stood in. */
export type StageStatus =
  | 'waiting'
  | 'running'
  | 'waiting-approval'
  | 'done'
  | 'cached'
  | 'failed'
  | 'skipped'
  | 'cancelled'
  | 'compensated';

/** One stage as the `run` query shows it. Times are ISO 8601. */
export interface StageView {
  id: string;
  verb: Verb;
  status: StageStatus;
  startedAt: string | null;
  endedAt: string | null;
  attempt: number;
  verdict: Verdict | null;
  /** One line for people. */
  note: string | null;
  /** Where an earlier result came from. */
  cached?: CachedFrom;
  /** What its jobs cost in this run, where the environment states prices. */
  cost?: Cost;
  /** How its attempts ended, oldest first, at most ten; absent where there is no more to say than of the stage itself. */
  attempts?: AttemptView[];
  /** How often its work was interrupted and went on from a checkpoint; absent: never. */
  interruptions?: number;
}

export interface AttemptedDecision {
  at: string;
  channel: 'signal' | 'update';
  /** What was made of it: used, kept for later, refused. */
  status: 'used' | 'kept' | 'ignored' | 'late';
  by: string | null;
  why: string | null;
}

/** What the `run` query answers. Under 100 KiB. */
export interface RunView {
  workflowId: string;
  pipeline: string;
  environment: string;
  plan: string;
  params: JsonObject;
  state: 'running' | 'waiting-approval' | 'closed';
  outcome: Outcome | null;
  reason: string | null;
  stages: StageView[];
  decisions: AttemptedDecision[];
  rollout: RolloutView | null;
  /** The run that this one repeats from a stage on. */
  rerunOf?: string;
  /** What all its jobs cost so far, where the environment states prices. */
  cost?: Cost;
  /** Of all its stages; absent: none. */
  interruptions?: number;
}

export const rolloutPhases = [
  'loading',
  'checking',
  ...stepPhases,
  'paused',
  'committing',
  'rolling-back',
  'done',
] as const;
export type RolloutPhase = (typeof rolloutPhases)[number];

/** What the `run` query of a rollout answers. */
export interface RolloutView {
  workflowId: string;
  service: string;
  phase: RolloutPhase;
  weight: number;
  note: string | null;
  /** Signals that changed nothing, oldest first, at most fifty. */
  refused: RefusedSignal[];
}

/** What a run returns. */
export interface RunResult {
  outcome: Outcome;
  reason: string | null;
  /** Store URI of the run record. */
  record: string | null;
  /** What all its jobs cost, and those of runs that it started, where the environment states prices. */
  cost?: Cost;
}

/** What the last activity writes to the store, and reports are made from. */
export interface RunRecord {
  format: 1;
  workflowId: string;
  runId: string;
  pipeline: string;
  environment: string;
  plan: string;
  params: JsonObject;
  outcome: Outcome;
  reason: string | null;
  startedAt: string;
  endedAt: string;
  stages: (StageView & { output: StageOutput | null })[];
  decisions: AttemptedDecision[];
  /** Time series of the rollout, when there was one. */
  series: Series[];
  /** The run that this one repeats from a stage on. */
  rerunOf?: string;
  /** Where the run came from: `cli`, `schedule`, …; for people. */
  trigger?: string;
  /** What all its jobs cost, where the environment states prices. */
  cost?: Cost;
  /** How often work of its stages was interrupted and went on from a checkpoint; absent: never. */
  interruptions?: number;
}

/** One line of a plot. */
export interface Series {
  name: 'weight' | 'fallback-rate' | 'p95-ms' | 'mean-confidence' | 'request-rate';
  version: string;
  /** Seconds since the epoch and value; null where there was no data. */
  points: [number, number | null][];
}

/** Something people may want to be told of. */
export interface RunEvent {
  kind:
    | 'waiting-approval'
    | 'approved'
    | 'rejected'
    | 'promoted'
    | 'rolled_back'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'inconclusive'
    | 'message';
  workflowId: string;
  pipeline: string;
  environment: string;
  stage: string | null;
  /** One line. */
  text: string;
  /** Facts a sink may show. */
  facts: Record<string, Json>;
}
