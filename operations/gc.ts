import type { Store } from '../adapters/store/port.js';

/** Below these Slipway puts files large enough to go up in parts: all else in the bucket is somebody else's. */
const folders = ['checkpoints/', 'code/', 'data/', 'jobs/', 'packages/', 'values/'];

export interface AbandonedUpload {
  uri: string;
  startedAt: string;
  /** False in a dry run, and when the store no longer knew it. */
  removed: boolean;
}

/**
 * Gives up multipart uploads below the store's prefix that began at least `olderThanMs` ago: their writer is dead, as no
 * upload takes that long. Younger ones and those of others are left alone; with `dryRun` all are.
 */
export async function removeAbandoned(
  store: Store,
  o: { olderThanMs: number; dryRun: boolean; now?: number },
): Promise<AbandonedUpload[]> {
  const { now = Date.now() } = o;
  const listed = await Promise.all(folders.map((folder) => store.unfinished(folder)));
  const old = listed.flat().filter(({ startedAt }) => now - startedAt.getTime() >= o.olderThanMs);
  const done: AbandonedUpload[] = [];
  for (const upload of old) {
    const removed = !o.dryRun && (await store.abort(upload));
    done.push({ uri: store.uri(upload.key), startedAt: upload.startedAt.toISOString(), removed });
  }
  return done;
}
