import type { Json, JsonObject } from './json.js';

/** What a process that hosts author code is told, one JSON line each. Its arguments: the packed pipeline file, the pipeline's name. */
export type TaskOrder =
  | {
      id: number;
      /** `run`: the task's function; `compensate`: undo what `output` says was done. */
      kind: 'run' | 'compensate';
      stage: string;
      input: JsonObject;
      output?: Json;
      about: TaskAbout;
    }
  /** Aborts the signal that the author's function was given. */
  | { id: number; kind: 'cancel' };

/** What author code may know of where it runs. */
export interface TaskAbout {
  /** Workflow id. */
  run: string;
  stage: string;
  /** Stage attempt, from 1. */
  attempt: number;
  /** Index of the element inside an `each`. */
  item: number | null;
  /** Idempotency key: the same when a crash or a network makes the call again, another in a new stage attempt. */
  key: string;
}

/** What the process answers. The first line is `{ ready: true }`, or `{ ready: false, … }` when the file cannot be loaded. */
export type TaskReply =
  | { ready: true }
  | { ready: false; code: string; message: string }
  | { id: number; ok: true; value: Json }
  | { id: number; ok: false; code: string; message: string };
