import { cancellationSignal, getClient, heartbeat } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';

const beatMs = 2_000;

/** Waits, heart-beating, until the rollout that holds a service has ended, however it ended. */
export async function awaitRollout(_context: unknown, input: { workflowId: string }): Promise<void> {
  const handle = getClient().workflow.getHandle(input.workflowId);
  const beat = setInterval(() => heartbeat({ waitingFor: input.workflowId }), beatMs);
  const cancelled = new Promise<never>((_, reject) =>
    cancellationSignal().addEventListener('abort', () => reject(cancellationSignal().reason as Error), { once: true }),
  );
  try {
    await Promise.race([handle.result().catch(endedSomehow), cancelled]);
  } finally {
    clearInterval(beat);
  }
}

function endedSomehow(error: unknown): void {
  if (error instanceof WorkflowNotFoundError || (error as Error).name === 'WorkflowFailedError') return;
  throw error;
}
