import type { TaskRunner, TaskWork } from '../../adapters/task-runner/port.js';
import { SlipwayError } from '../../plan/errors.js';
import type { Json } from '../../plan/json.js';

/** An author's function as the fake calls it. */
export type TaskFunction = (work: TaskWork, signal: AbortSignal) => Json | Promise<Json>;
export interface FakeTasks extends TaskRunner {
  /** What each stage's function does; compensations as `<stage> compensate`. */
  functions: Map<string, TaskFunction>;
  /** Every call, in order. */
  calls: TaskWork[];
}

/** A task runner in this process. */
export function fakeTasks(): FakeTasks {
  const functions: FakeTasks['functions'] = new Map();
  const calls: TaskWork[] = [];
  return {
    functions,
    calls,
    async run(work, signal = new AbortController().signal) {
      signal.throwIfAborted();
      const run = functions.get(work.kind === 'run' ? work.stage : `${work.stage} compensate`);
      if (run === undefined) throw new SlipwayError({ code: 'E_TASK', message: `no function of ${work.stage}` });
      calls.push(work);
      return await ended(
        Promise.resolve().then(() => run(work, signal)),
        work,
        signal,
      );
    },
    async close() {},
  };
}

/** The function's end, or an earlier one by time limit or cancellation. */
async function ended(running: Promise<Json>, { limitMs, stage }: TaskWork, signal: AbortSignal): Promise<Json> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const limit = { code: 'E_TASK_LIMIT', where: stage, message: `the task took longer than its ${limitMs / 1_000} s` };
    timer = setTimeout(() => reject(new SlipwayError(limit)), limitMs);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([running, late]);
  } catch (error) {
    if (error instanceof SlipwayError || signal.aborted) throw error;
    throw new SlipwayError({ code: 'E_TASK', where: stage, message: String(error) });
  } finally {
    clearTimeout(timer);
  }
}
