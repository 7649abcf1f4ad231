import type { Store } from '../adapters/store/port.js';
import { keys } from '../plan/names.js';
import { runJobKey, runJobOf, type RunJob } from '../plan/run-jobs.js';
import type { StageCall } from './calls.js';
import { sha256 } from './digest.js';

/**
 * Marks what the jobs of earlier attempts left, or may still leave when one that was lost wakes up: nothing refers to it,
 * and whoever finds it can see which job took its place. Called by the attempt that succeeded; twice is the same.
 */
export async function tagSuperseded(
  store: Store,
  call: StageCall,
  key: string,
  purpose: RunJob['purpose'] = 'job',
): Promise<void> {
  const { run, stage, attempt, item } = call;
  if (attempt === 1) return;
  const listing = runJobKey(sha256(run.workflowId), { stage, item: item?.index ?? null, attempt, purpose, key });
  const listed = await store.list(listing.slice(0, listing.lastIndexOf('/') + 1));
  const earlier = listed
    .flatMap((entry) => runJobOf(entry.key) ?? [])
    .filter((job) => job.purpose === purpose && job.attempt < attempt);
  const by = { run: run.workflowId, stage, attempt, key };
  const body = new TextEncoder().encode(JSON.stringify({ format: 1, by }));
  for (const job of earlier) await store.put(keys.superseded(job.key), body, { ifAbsent: true });
}
