import type { TaskRunner } from '../adapters/task-runner/port.js';
import { runTask } from '../authoring/hosting/run-task.js';
import type { PipelineDefinition } from '../authoring/define-pipeline.js';
import { taskFunctionsOf, type TaskFunctions } from '../authoring/task-functions.js';
import { SlipwayError } from '../plan/errors.js';
import type { PipelineScript } from './script.js';
import { withoutUndefined } from '../plan/json.js';

/** Runs the author's functions in this process, so that a test may look at what they did; replacements answer to the same schemas. */
export function tasksHere(
  definitions: readonly PipelineDefinition[],
  replaced: PipelineScript['tasks'] = {},
): TaskRunner {
  const functions = new Map(definitions.map((d) => [d.name, withReplacements(taskFunctionsOf(d), replaced)]));
  return {
    async run({ pipeline, kind, stage, input, output, about }, signal = new AbortController().signal) {
      const work = { id: 0, kind, stage, input, about, ...withoutUndefined({ output }) };
      const reply = await runTask(functions.get(pipeline) ?? new Map(), work, signal, () => undefined);
      signal.throwIfAborted();
      if ('ready' in reply) throw new Error('unreachable: a task answered like a process');
      if (reply.ok) return reply.value;
      throw new SlipwayError({ code: reply.code, where: stage, message: reply.message });
    },
    close: () => Promise.resolve(),
  };
}

function withReplacements(
  own: ReadonlyMap<string, TaskFunctions>,
  replaced: NonNullable<PipelineScript['tasks']>,
): Map<string, TaskFunctions> {
  const entries = [...own].map(([id, functions]): [string, TaskFunctions] => {
    const run = replaced[id];
    return [id, run === undefined ? functions : { ...functions, run }];
  });
  return new Map(entries);
}
