import type { Json, JsonObject } from '../../plan/json.js';
import type { PackedFile } from '../../plan/plan.js';
import type { TaskAbout } from '../../plan/task-messages.js';

/** One call of an author's function. */
export interface TaskWork {
  /** The packed pipeline file that holds it. */
  code: PackedFile;
  pipeline: string;
  stage: string;
  /** `compensate`: undo what `output` says was done. */
  kind: 'run' | 'compensate';
  input: JsonObject;
  output?: Json;
  about: TaskAbout;
  /** The function is ended after so long, milliseconds. */
  limitMs: number;
}

/** Runs author code, isolated from the worker: it may loop, crash or fill its memory, and nobody else notices. */
export interface TaskRunner {
  /**
   * What the function returned. Throws what it threw as `E_TASK`, a value that its schema refuses as `E_TASK_OUTPUT`; `E_TASK_LIMIT` after
   * `limitMs`, `E_TASK_CRASH` when its process ended, `E_DEF_LOAD` when the file cannot be loaded, `E_UNAVAILABLE` when there is no room now.
   * When the signal aborts, the function is told, is ended if it goes on, and the signal's reason is thrown.
   */
  run(work: TaskWork, signal?: AbortSignal): Promise<Json>;
  /** Ends everything that still runs. */
  close(): Promise<void>;
}
