import type { JobTold } from '../plan/job-told.js';
import type { Json } from '../plan/json.js';
import type { CachedFrom, StoredValue } from '../plan/outputs.js';

/** Which run asks. `plan` is a digest. */
export interface RunRef {
  workflowId: string;
  runId: string;
  pipeline: string;
  environment: string;
  plan: string;
}

/** A stage's work: settings are read by digest, inputs travel by reference. */
export interface StageCall {
  run: RunRef;
  stage: string;
  /** Stage attempt, from 1. Activity retries do not change it. */
  attempt: number;
  /** JSON pointer → value, from the plan's bindings. */
  inputs: Record<string, Json>;
  /** JSON pointer → value that is read from the store, at a path inside it. */
  stored?: Record<string, { value: StoredValue; path: string[] }>;
  /** The element of an `each` that this call works on. */
  item?: { index: number };
  /** False: no earlier result may stand in. */
  cache?: false;
  /** What the run's jobs have cost so far, of this stage and in all; absent where no budget is to be kept to. */
  spent?: { stage: number; run: number; currency: string };
}

/** What is told of the jobs that were run for an answer; no part of the output. */
export type Costly<O> = O & JobTold;

/** An output that may come from an earlier stage, of this run or another; and what was spent on it now. */
export type Cached<O> = Costly<O> & { cached?: CachedFrom };
