import { CancellationScope } from '@temporalio/workflow';
import type { StageOutput, TaskOutput } from '../plan/outputs.js';
import { calls } from './call.js';
import { failureReason } from './failure-facts.js';
import type { RunContext } from './run-context.js';

/**
 * Undoes the work of the tasks that are done and can be undone, newest first. One that cannot be undone does not
 * keep the others from it. Answers what people should know, one line for each that failed.
 */
export async function compensate(run: RunContext): Promise<string[]> {
  const { state } = run;
  const undoable = state.completed
    .map((id) => state.graph?.stages.find((s) => s.id === id))
    .filter((s) => s?.compensates === true);
  const failed: string[] = [];
  await CancellationScope.nonCancellable(async () => {
    for (const stage of undoable.reverse()) {
      const output = stage === undefined ? undefined : state.outputs.get(stage.id);
      if (stage === undefined || output === undefined || !isTask(output)) continue;
      try {
        await calls.compensateTask({ ...run.call(stage), output }, stage);
        state.mark(stage.id, 'compensated');
      } catch (error) {
        failed.push(`${stage.id} was not undone: ${failureReason(error)}`);
        state.mark(stage.id, 'done', { note: `not undone: ${failureReason(error)}` });
      }
    }
  });
  return failed;
}

function isTask(output: StageOutput): output is TaskOutput {
  return 'kind' in output && output.kind === 'task';
}
