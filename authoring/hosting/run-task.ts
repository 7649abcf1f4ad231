import type { z } from 'zod';
import { printable } from '../../plan/errors.js';
import { pointerStep } from '../../plan/json.js';
import type { Json } from '../../plan/json.js';
import type { TaskOrder, TaskReply } from '../../plan/task-messages.js';
import type { TaskFunctions } from '../task-functions.js';
import { show } from '../shapes.js';
import type { PlaceFinder } from './author-place.js';

/** An order to run or to undo a task. */
export type Work = Exclude<TaskOrder, { kind: 'cancel' }>;

/** Does one order. Never rejects: what the author's code throws, or returns against its schema, is the answer. */
export async function runTask(
  tasks: ReadonlyMap<string, TaskFunctions>,
  work: Work,
  signal: AbortSignal,
  placeOf: PlaceFinder,
): Promise<TaskReply> {
  const task = tasks.get(work.stage);
  const wanted = work.kind === 'run' ? task?.run : task?.compensate;
  if (task === undefined || wanted === undefined)
    return refused(work, 'E_TASK', `has no ${work.kind === 'run' ? 'function' : 'compensation'} in the packed file`);
  const context = { signal, about: work.about, log: (message: string) => console.error(message) };
  const input = { ...task.input, ...work.input };
  try {
    if (work.kind === 'run') return checked(task.output, work, await task.run(input, context));
    await task.compensate?.({ input, output: work.output }, context);
    return { id: work.id, ok: true, value: null };
  } catch (error) {
    return refused(work, 'E_TASK', thrown(error, placeOf));
  }
}

function checked(output: z.ZodType, work: Work, returned: unknown): TaskReply {
  const result = output.safeParse(returned);
  if (result.success) return { id: work.id, ok: true, value: result.data as Json };
  const wrong = result.error.issues.map((issue) => {
    const at = issue.path.map((step) => pointerStep(String(step))).join('');
    return `${at === '' ? 'the value' : at}: ${issue.message}`;
  });
  return refused(work, 'E_TASK_OUTPUT', `returned what its output schema refuses: ${wrong.slice(0, 10).join('; ')}`);
}

/** What author code threw, with the author's own place, in one line. */
export function thrown(error: unknown, placeOf: PlaceFinder): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `a value that is no error: ${show(error)}`;
  const place = error instanceof Error ? placeOf(error.stack ?? '') : undefined;
  return `threw ${printable(text.replaceAll('\n', ' '), 1_500)}${place === undefined ? '' : ` at ${printable(place, 200)}`}`;
}

function refused(work: Work, code: string, message: string): TaskReply {
  const what = work.kind === 'run' ? 'task' : 'compensation of task';
  return { id: work.id, ok: false, code, message: printable(`${what} \`${work.stage}\` ${message}`, 2_000) };
}
