import type { Store } from '../adapters/store/port.js';
import { runJobKey, type RunJob } from '../plan/run-jobs.js';
import type { StageCall } from './calls.js';
import { sha256 } from './digest.js';

/**
 * Lists a job with its run before it starts, so that its log is found while it runs and also when it fails. Twice is the same.
 *
 * @returns whether it was not listed before
 */
export async function listJob(
  store: Store,
  call: StageCall,
  key: string,
  purpose: RunJob['purpose'] = 'job',
): Promise<boolean> {
  const { run, stage, attempt, item } = call;
  const job: RunJob = { stage, item: item?.index ?? null, attempt, purpose, key };
  const body = new TextEncoder().encode(JSON.stringify({ format: 1, run: run.workflowId, ...job }));
  return await store.replace(runJobKey(sha256(run.workflowId), job), body, undefined);
}
