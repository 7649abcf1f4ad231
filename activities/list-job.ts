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
  const { workflowId } = call.run;
  const job = listed(call, key, purpose);
  const body = new TextEncoder().encode(JSON.stringify({ format: 1, run: workflowId, ...job }));
  return await store.replace(runJobKey(sha256(workflowId), job), body, undefined);
}

/** Whether a job was listed, so that it may have been started. */
export async function isListed(
  store: Store,
  call: StageCall,
  key: string,
  purpose: RunJob['purpose'],
): Promise<boolean> {
  const job = listed(call, key, purpose);
  return (await store.read(runJobKey(sha256(call.run.workflowId), job))) !== undefined;
}

function listed({ stage, attempt, item }: StageCall, key: string, purpose: RunJob['purpose']): RunJob {
  return { stage, item: item?.index ?? null, attempt, purpose, key };
}
