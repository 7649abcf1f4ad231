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
  /** Variable → reference (`env:NAME`, `file:PATH`). The adapter resolves it when it starts the job; values are never stored or logged. */
  secrets: Record<string, string>;
  /** What is absent is the adapter's default. `cpu` in cores, `memoryMb` in MiB, `gpu` in devices. */
  resources: { cpu?: number; memoryMb?: number; gpu?: number };
  /** `s3://…/` prefix for outputs: this job's own. */
  outputs: string;
  /** `s3://…/` prefix that all attempts of the stage share: what is there is in `SM_CHECKPOINT_DIR` at the start, what the job writes there is kept. */
  checkpoints: string;
  /** What must exist after exit 0. */
  expects: ('model' | 'metrics' | 'data')[];
  /** The job is ended after so long. */
  maxMs: number;
  /** Whose job it is, for people: names, labels, lists of orphans. */
  identity: { run: string; stage: string; attempt: number };
  /** Adapter's own options, as the pipeline gave them. */
  options: JsonObject;
}
/** What a job left behind: files below `model/` and `output/data/`, and the numbers of `metrics.json`. */
export interface JobManifest {
  format: 1;
  key: string;
  files: FileRef[];
  metrics: Metrics | null;
  /** Path → format of the files below `model/`, found by their content: `skops`, `onnx`, `pickle`… */
  formats?: Record<string, string>;
}
export interface JobFailure {
  code: string;
  message: string;
  /**
   * May the same work succeed when tried again? Decides whether the stage makes another attempt; only an
   * `E_TRAINER_EXIT`, whose exit code says nothing, is tried again as often as the stage allows in any case.
   */
  transient: boolean;
}
/** The latest numbers of a running job, such as `epoch` and `loss`; null until it tells any (see docs/job-contract.md). */
export type Progress = Record<string, number>;
/**
 * `interruptions`: how often its capacity was taken away and it was begun again, as the same job; absent: not known, or never.
 * `ranMs`: how long it occupied its machine, as the trainer knows; absent: as long as it was watched. It is what is paid for.
 * `queued`: it waits for its place, as far as the trainer tells.
 * `lost`: the job is gone and nobody knows how it ended; not the same as `failed`.
 */
export type JobState =
  | { phase: 'running'; note: string | null; progress: Progress | null; interruptions?: number; queued?: true }
  | { phase: 'succeeded'; manifest: JobManifest; ranMs?: number; interruptions?: number }
  | { phase: 'failed'; failure: JobFailure; ranMs?: number; interruptions?: number }
  | { phase: 'lost'; reason: string };

export interface LogRange {
  from?: number;
  bytes?: number;
}

/** Whose jobs are asked for; absent parts are not looked at. */
export interface JobOwner {
  environment?: string;
  run?: string;
  stage?: string;
}
/** A job that a trainer knows, and whose it is. */
export interface OwnedJob extends Required<JobOwner> {
  job: string;
  attempt: number;
  /** Nothing of it runs any more. */
  ended: boolean;
  /** For people: the command that ends it without Slipway. */
  endWith: string;
}

/** Runs jobs elsewhere. `key` is the idempotency key: 64 hex digits. */
export interface Trainer {
  readonly adapter: string;
  /** Longest pause between two polls, in ms. Default 5000; less where asking is cheap. */
  readonly pollMs?: number;
  /**
   * How long, in ms, `find` and `poll` must deny a job without a break before it is believed: a submission may take
   * time to be seen. Default 30000; 0 where they know at once.
   */
  readonly absenceMs?: number;
  /**
   * How long after its time limit, in ms, a job may still be running, and not queued, before it is stopped from here. Absent: whoever runs the job
   * sees to its limit, from when it begins to run, however long it waits before that.
   */
  readonly overrunMs?: number;
  /** The job of this key, if the trainer knows one. `unknown`: it could not say. */
  find(key: string, signal?: AbortSignal): Promise<{ job: string } | 'absent' | 'unknown'>;
  /** Starts the job; the same key gives the same job, also when it was stopped. Two starters at once start one. */
  start(job: JobSpec, key: string, signal?: AbortSignal): Promise<string>;
  poll(job: string, signal?: AbortSignal): Promise<JobState>;
  /**
   * Resolves once the job may be another than at the time of the call, or `signal` is aborted; never rejects. A hint that brings the
   * next poll forward: it may come for nothing, or not at all.
   */
  changed?(job: string, signal: AbortSignal): Promise<void>;
  /** Ends it with all its descendants and returns when they are gone; twice is fine. */
  stop(job: string): Promise<void>;
  /**
   * Its output, printable: up to `bytes` (default 8 KiB) from the byte `from`, or the last ones when `from` is absent.
   * `next` is where to read on; it equals `from` while there is nothing new.
   */
  logs(job: string, range?: LogRange, signal?: AbortSignal): Promise<{ text: string; next: number }>;
  /** Its jobs of an owner, to find those that no run follows any more: all that run, and such as have ended. Absent where jobs do not say whose they are. */
  list?(owner: JobOwner): Promise<OwnedJob[]>;
}
