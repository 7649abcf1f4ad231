import type { JsonObject } from '../../plan/json.js';

export interface TrackingRun {
  runId: string;
  url: string;
  /** What a job needs to log into this run, such as `MLFLOW_TRACKING_URI` and `MLFLOW_RUN_ID`. */
  environment: Record<string, string>;
}

/** Numbers by name, in groups of any depth. */
export type TrackedMetrics = { readonly [name: string]: number | TrackedMetrics };

export interface TrackingFacts {
  params?: JsonObject;
  metrics?: TrackedMetrics;
  tags?: Record<string, string>;
}

/** Where experiments are logged. */
export interface Tracking {
  /** The run of this key in an experiment; made when absent. `first`: nobody opened the key before, and nobody else does now. */
  open(
    experiment: string,
    key: string,
    tags: Record<string, string>,
    o?: { first?: boolean; signal?: AbortSignal },
  ): Promise<TrackingRun>;
  /** Logs what is not logged yet; nested metrics as `recall.lock_door`. No name is refused: what the system does not take is logged under another. */
  log(runId: string, facts: TrackingFacts, signal?: AbortSignal): Promise<void>;
  /**
   * Logs how far a training is, as a step of its run: `training.loss` at the step that `step` or `epoch` names. The same
   * numbers twice are two points.
   */
  progress(runId: string, numbers: Record<string, number>, signal?: AbortSignal): Promise<void>;
  /** Ends the run, and logs facts as `log` does. Twice is the same; `first`: it was not ended before. */
  close(
    runId: string,
    status: 'finished' | 'failed' | 'killed',
    facts?: TrackingFacts,
    o?: { first?: boolean; signal?: AbortSignal },
  ): Promise<void>;
}
