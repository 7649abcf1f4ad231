import { proxyActivities, sleep } from '@temporalio/workflow';

/** What a script lets a person do: a signal to a workflow, or its cancellation (null). */
export interface Act {
  workflowId: string;
  signal: string | null;
  payload: unknown;
}

const { act } = proxyActivities<{ act(what: Act): Promise<void> }>({ startToCloseTimeout: '1 minute' });

/** Does something after a time on the skipped clock. */
export async function actLater(what: Act & { afterMs: number }): Promise<void> {
  const { afterMs, ...now } = what;
  await sleep(afterMs);
  await act(now);
}
