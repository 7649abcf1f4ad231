import type { z } from 'zod';
import type { JsonObject } from '../plan/json.js';
import type { TaskAbout } from '../plan/task-messages.js';
import type { PipelineDefinition } from './define-pipeline.js';
import { recordStages } from './record.js';

/** What an author's function may know of where it runs. */
export interface TaskContext {
  /** Aborts when the run is cancelled or the time limit is reached: stop soon, or the process is ended. */
  readonly signal: AbortSignal;
  /** Run, stage, attempt, and the index of the element inside an `each`. */
  readonly about: TaskAbout;
  /** Writes a line to the log of the worker. `console` does, too. */
  readonly log: (message: string) => void;
}

/** The functions of a task, as its author wrote them. */
export interface TaskFunctions {
  run(input: JsonObject, context: TaskContext): unknown;
  /** Undoes what `run` did. */
  compensate?(done: { input: JsonObject; output: unknown }, context: TaskContext): unknown;
  /** The literal part of the input; bound values are added to it. */
  input: JsonObject;
  /** Checks and completes what `run` returns. */
  output: z.ZodType;
}

/** The author's own functions of a pipeline by stage id. Records the definition once; its faults were found before the plan was made. */
export function taskFunctionsOf(definition: PipelineDefinition): Map<string, TaskFunctions> {
  return recordStages(definition).tasks;
}
