import { z } from 'zod';
import type { JobSettings } from '../plan/plan.js';
import type { Json, JsonObject } from '../plan/json.js';
import { splitCommand } from './command-line.js';
import { needSettings } from './job-needs.js';
import type { JobNeeds } from './job-needs.js';
import type { ValueRef } from './references.js';
import { command, projectPath } from './shapes.js';

/** A command that an adapter runs as a job, and the folder of code that it needs. */
export interface ProcessOptions {
  /** The command with its arguments; quotes group, nothing else is interpreted. A leading `python` is the job's own environment. */
  run: string;
  /** Folder of its code, relative to the project; packed into the plan, and the working directory of the job. */
  folder?: string;
}

declare const role: unique symbol;
interface Job<R extends 'source' | 'trainer' | 'evaluator'> {
  readonly [role]: R;
  readonly adapter: 'process';
  readonly role: R;
  readonly run: string;
  readonly folder?: string;
}
/** Where a data set comes from. */
export type Source = Job<'source'>;
/** What trains a model. */
export type Trainer = Job<'trainer'>;
/** What scores a model. */
export type Evaluator = Job<'evaluator'>;

/** Hyperparameters by name: JSON, or a value of the run: a param, what a task returned, an element of a list. */
export type JobParams = { readonly [name: string]: JsonValue | ValueRef<Json | undefined> | undefined };
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

function processJob<R extends 'source' | 'trainer' | 'evaluator'>(of: R, options: ProcessOptions): Job<R> {
  return { adapter: 'process', role: of, ...options } as Job<R>;
}

/** Where a data set comes from, other than a file. */
export const sources = {
  /** A command that writes the data to `SM_OUTPUT_DATA_DIR`; it is given the hyperparameter `from`. */
  process: (options: ProcessOptions): Source => processJob('source', options),
};
/** What trains models. */
export const trainers = {
  /** A command under the job contract (SageMaker script mode), run as a process of its own. */
  process: (options: ProcessOptions): Trainer => processJob('trainer', options),
};
/** What scores models. */
export const evaluators = {
  /** A command with the channels `model` and `data` that writes `metrics.json` to `SM_OUTPUT_DATA_DIR`. */
  process: (options: ProcessOptions): Evaluator => processJob('evaluator', options),
};

/** Shape of a job of one role. */
export function jobShape(of: 'source' | 'trainer' | 'evaluator'): z.ZodType {
  return z.strictObject({
    adapter: z.literal('process'),
    role: z.literal(of, `expects what \`${of}s.process({ run, folder })\` returns`),
    run: command,
    folder: projectPath.optional(),
  });
}

/** The job as the plan keeps it. */
export function jobSettings(
  job: Job<'source' | 'trainer' | 'evaluator'>,
  params: JsonObject,
  needs: JobNeeds = {},
): JobSettings {
  const trainer = { adapter: job.adapter, run: splitCommand(job.run) };
  return {
    trainer: job.folder === undefined ? trainer : { ...trainer, folder: tidy(job.folder) },
    params,
    ...needSettings(needs),
  };
}

function tidy(folder: string): string {
  return (
    folder
      .split('/')
      .filter((step) => step !== '' && step !== '.')
      .join('/') || '.'
  );
}
