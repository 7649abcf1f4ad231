import type { ArtifactRef, FileRef } from '../../plan/artifact.js';
import type { JsonObject } from '../../plan/json.js';
import type { Metrics } from '../../plan/outputs.js';

/** A job under the job contract (SageMaker script mode: `SM_HPS`, `SM_CHANNEL_<NAME>`, `SM_MODEL_DIR`, `SM_OUTPUT_DATA_DIR`). */
export interface JobSpec {
  /** argv; a leading `python` means the job's own environment. No shell. */
  command: string[];
  /** Packed code folder, unpacked as the working directory. */
  code: ArtifactRef | null;
  /** Names the Python environment (see `CodeFolder.requirements`). */
  requirements: string | null;
  /** Channel → files. */
  inputs: Record<string, FileRef[]>;
  hyperparameters: JsonObject;
  /** Non-secret variables for the command, such as `MLFLOW_RUN_ID`. */
  environment: Record<string, string>;
  /** `s3://…/` prefix for outputs. */
  outputs: string;
  /** What must exist after exit 0. */
  expects: ('model' | 'metrics' | 'data')[];
  maxMs: number;
  /** Adapter's own options, as the pipeline gave them. */
  options: JsonObject;
}
/** What a job left behind: files below `model/` and `output/data/`, and the numbers of `metrics.json`. */
export interface JobManifest {
  format: 1;
  key: string;
  files: FileRef[];
  metrics: Metrics | null;
}
export interface JobFailure {
  code: string;
  message: string;
  /** May the same work succeed when tried again? */
  transient: boolean;
}
/** `lost`: the job is gone and nobody knows how it ended; not the same as `failed`. */
export type JobState =
  | { phase: 'running'; note: string | null }
  | { phase: 'succeeded'; manifest: JobManifest }
  | { phase: 'failed'; failure: JobFailure }
  | { phase: 'lost'; reason: string };

/** Runs jobs elsewhere. `key` is the idempotency key: 64 hex digits. */
export interface Trainer {
  readonly adapter: string;
  /** The job of this key, if the trainer knows one. `unknown`: it could not say. */
  find(key: string, signal?: AbortSignal): Promise<{ job: string } | 'absent' | 'unknown'>;
  /** Starts the job; the same key gives the same job. */
  start(job: JobSpec, key: string, signal?: AbortSignal): Promise<string>;
  poll(job: string, signal?: AbortSignal): Promise<JobState>;
  /** Ends it with all its descendants; twice is fine. */
  stop(job: string): Promise<void>;
  /** Last `bytes` (default 8 KiB) of its output. */
  logs(job: string, bytes?: number): Promise<string>;
}
