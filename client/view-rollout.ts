import type { RolloutView } from '../plan/messages.js';
import { queries } from '../plan/names.js';
import type { SlipwayClient } from './connect.js';

/** What a rollout answers about itself: phase, weight, note. Null when there is none or no worker can answer. */
export async function viewRollout(client: SlipwayClient, workflowId: string): Promise<RolloutView | null> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  return client.call(() => handle.query<RolloutView>(queries.run), 5_000).catch(() => null);
}
