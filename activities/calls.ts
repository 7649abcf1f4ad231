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
}

/** An output that may come from an earlier stage, of this run or another. */
export type Cached<O> = O & { cached?: CachedFrom };
