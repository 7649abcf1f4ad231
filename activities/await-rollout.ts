import { cancellationSignal, getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import { beating } from './beating.js';

/** Waits, heart-beating, until the rollout that holds a service has ended, however it ended. */
export async function awaitRollout(_context: unknown, input: { workflowId: string }): Promise<void> {
  const handle = getClient().workflow.getHandle(input.workflowId);
  const cancelled = new Promise<never>((_, reject) =>
    cancellationSignal().addEventListener('abort', () => reject(cancellationSignal().reason as Error), { once: true }),
  );
  await beating(Promise.race([handle.result().catch(endedSomehow), cancelled]), { waitingFor: input.workflowId });
}

function endedSomehow(error: unknown): void {
  if (error instanceof WorkflowNotFoundError || (error as Error).name === 'WorkflowFailedError') return;
  throw error;
}
