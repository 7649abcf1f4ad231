import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { RolloutView } from '../plan/messages.js';
import { queries, rolloutWorkflowId } from '../plan/names.js';
import type { SlipwayClient } from './connect.js';

/** What a rollout answers about itself: phase, weight, note. Null when there is none or no worker can answer. */
export async function viewRollout(client: SlipwayClient, workflowId: string): Promise<RolloutView | null> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  return client.call(() => handle.query<RolloutView>(queries.run), 5_000).catch(() => null);
}

/**
 * Throws `E_ROLLOUT_RUNS` (75) while a rollout of the service is under way: questions of our own that pass through
 * the users' route would count as evidence for it.
 */
export async function refuseDuringRollout(client: SlipwayClient, environment: string, service: string): Promise<void> {
  const workflowId = rolloutWorkflowId(environment, service);
  const found = await client
    .call(() => client.temporal.workflow.getHandle(workflowId).describe())
    .catch(() => undefined);
  if (found?.status.name !== 'RUNNING') return;
  throw new SlipwayError(
    {
      code: 'E_ROLLOUT_RUNS',
      where: service,
      message: `a rollout of the service is under way (${workflowId})`,
      fix: 'verify when it has ended: its evidence must be requests of users',
    },
    exitCodes.temporary,
  );
}
