import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { Decision } from '../plan/messages.js';
import { signals, updates } from '../plan/names.js';
import { checkPayload } from '../plan/payload.js';
import type { SlipwayClient } from './connect.js';
import { viewRun } from './runs.js';

/**
 * Sends a decision and waits for the run to take it.
 * Throws `E_DECISION` (65) when the run refuses it, `E_PAYLOAD_SIZE` (65) when it is too large to be sent, and
 * `E_NO_WORKER` (69) when nobody answers within 15 s.
 */
export async function decide(client: SlipwayClient, workflowId: string, decision: Decision): Promise<void> {
  checkDecision(decision);
  const handle = client.temporal.workflow.getHandle(workflowId);
  try {
    await client.call(() => handle.executeUpdate(updates.decide, { args: [decision] }), 15_000);
  } catch (error) {
    // An ended run takes no update and says so as if it were unknown.
    await refuseClosed(client, workflowId);
    throw decisionFault(error, workflowId);
  }
}

/** Sends a decision as the signal that the Temporal UI sends: accepted unseen, judged by the run. */
export async function signalDecision(client: SlipwayClient, workflowId: string, decision: Decision): Promise<void> {
  checkDecision(decision);
  await client.call(() => client.temporal.workflow.getHandle(workflowId).signal(signals.decide, decision));
}

function checkDecision(decision: Decision): void {
  checkPayload('the decision', decision, 'give a shorter reason: 2,000 characters of it are kept');
}

function decisionFault(error: unknown, workflowId: string): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    return new SlipwayError({
      code: 'E_DECISION',
      where: workflowId,
      message: `the run refused the decision: ${error.cause?.message ?? error.message}`,
      fix: `See what it waits for with \`slipway status ${workflowId}\`.`,
    });
  }
  if (!timedOut(error)) return error;
  return new SlipwayError(
    {
      code: 'E_NO_WORKER',
      where: workflowId,
      message: 'no worker took the decision within 15 s',
      fix: 'Start one with `slipway up`. The decision may still be taken when a worker runs: look before sending it again.',
    },
    exitCodes.unavailable,
  );
}

function timedOut(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
}

/**
 * Asks a run to end; what it started is ended with it, traffic goes back to the champion.
 * Throws `E_RUN_CLOSED` (65) when it has ended already.
 */
export async function cancelRun(client: SlipwayClient, workflowId: string): Promise<void> {
  await refuseClosed(client, workflowId);
  await client.call(() => client.temporal.workflow.getHandle(workflowId).cancel());
}

async function refuseClosed(client: SlipwayClient, workflowId: string): Promise<void> {
  const run = await viewRun(client, workflowId);
  if (run.state !== 'closed') return;
  throw new SlipwayError({
    code: 'E_RUN_CLOSED',
    where: workflowId,
    message: `the run has ended already: ${run.outcome ?? 'closed'}`,
    fix: `See it with \`slipway status ${workflowId}\`.`,
  });
}
