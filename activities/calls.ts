import type { Json } from '../plan/json.js';

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
}
