import { cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { SlipwayError } from '../plan/errors.js';
import { failureType, newAttemptCodes } from '../plan/failures.js';
import type { TaskOutput } from '../plan/outputs.js';
import { beating } from './beating.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { failureText } from './guard.js';
import { openStage } from './plan-cache.js';
import { taskWork } from './run-task.js';
import { readStored } from './stored-values.js';

export interface CompensateInput extends StageCall {
  /** What the task returned. */
  output: TaskOutput;
}

/** Undoes what a task did. What the author's function throws may be tried again: the caller says how often. */
export async function compensateTask(context: ActivityContext, call: CompensateInput): Promise<void> {
  const open = await openStage(context, call, 'task');
  const { store, tasks } = open.environment.ports;
  const output = 'stored' in call.output ? await readStored(store, call.output.stored) : call.output.value;
  const work = { ...taskWork(open, call, 'compensate'), output };
  try {
    await beating(tasks.run(work, cancellationSignal()), { compensates: work.about.key });
  } catch (error) {
    throw error instanceof SlipwayError && newAttemptCodes.includes(error.code) ? mayTryAgain(error) : error;
  }
}

function mayTryAgain({ code, message }: SlipwayError): ApplicationFailure {
  return ApplicationFailure.create({
    message: failureText(message),
    type: failureType(code),
    nonRetryable: false,
    details: [{ code }],
  });
}
