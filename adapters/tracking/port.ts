import type { JsonObject } from '../../plan/json.js';
import type { Metrics } from '../../plan/outputs.js';

export interface TrackingRun {
  runId: string;
  url: string;
  /** What a job needs to log into this run, such as `MLFLOW_TRACKING_URI` and `MLFLOW_RUN_ID`. */
  environment: Record<string, string>;
}

/** Where experiments are logged. */
export interface Tracking {
  /** The run of this key in an experiment; made when absent. */
  open(experiment: string, key: string, tags: Record<string, string>, signal?: AbortSignal): Promise<TrackingRun>;
  /** Logs what is not logged yet; nested metrics as `recall.lock_door`. */
  log(
    runId: string,
    facts: { params?: JsonObject; metrics?: Metrics; tags?: Record<string, string> },
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * Logs how far a training is, as a step of its run: `training.loss` at the step that `step` or `epoch` names. The same
   * numbers twice are two points.
   */
  progress(runId: string, numbers: Record<string, number>, signal?: AbortSignal): Promise<void>;
  close(runId: string, status: 'finished' | 'failed' | 'killed', signal?: AbortSignal): Promise<void>;
}
