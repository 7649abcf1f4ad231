import { cancellationSignal } from '@temporalio/activity';
import type { TaskWork } from '../adapters/task-runner/port.js';
import type { JsonObject } from '../plan/json.js';
import type { TaskOutput } from '../plan/outputs.js';
import type { TaskStage } from '../plan/plan.js';
import { beating } from './beating.js';
import type { Cached, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { idempotencyKey } from './digest.js';
import { openStage, type OpenStage } from './plan-cache.js';
import { cachedOr, identityOf } from './stage-cache.js';
import { taskOutput } from './stored-values.js';

/** Runs the author's function of a task, and keeps what it returned; where its author allows it, an earlier result stands in. */
export async function runTask(context: ActivityContext, call: StageCall): Promise<Cached<TaskOutput>> {
  const open = await openStage(context, call, 'task');
  const { store, tasks } = open.environment.ports;
  const work = taskWork(open, call, 'run');
  const followsFrom = { task: call.stage, input: identityOf(work.input) };
  return await cachedOr(open, call, followsFrom, async () => {
    const value = await beating(tasks.run(work, cancellationSignal()), { runs: work.about.key });
    return await taskOutput(store, value, where(call));
  });
}

/** A call of a task's function, as the runner takes it. The key of undoing is another than that of doing. */
export function taskWork(
  { plan, stage, inputs }: OpenStage<TaskStage>,
  call: StageCall,
  kind: TaskWork['kind'],
): TaskWork {
  const about = {
    run: call.run.workflowId,
    stage: call.stage,
    attempt: call.attempt,
    item: call.item?.index ?? null,
    key: idempotencyKey(call, kind === 'run' ? '' : kind),
  };
  return {
    kind,
    code: plan.code.pipeline,
    pipeline: plan.pipeline,
    stage: call.stage,
    input: { ...stage.settings.input, ...(inputs as { input?: JsonObject }).input },
    about,
    limitMs: stage.limits.timeoutMs,
  };
}

function where(call: StageCall): string {
  return call.item === undefined ? call.stage : `${call.stage}/${call.item.index}`;
}
