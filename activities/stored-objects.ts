import type { Store } from '../adapters/store/port.js';
import type { ArtifactRef } from '../plan/artifact.js';
import type { StageOutput } from '../plan/outputs.js';

/** Whether everything that an output refers to is still in the store, in its size; the bytes are checked when they are read. */
export async function isStored(store: Store, output: StageOutput): Promise<boolean> {
  const found = await Promise.all(references(output).map((ref) => exists(store, ref)));
  return found.every(Boolean);
}

/** All artifacts in a value: what has a `uri`, a `sha256` and `bytes`. */
function references(value: unknown): ArtifactRef[] {
  if (value === null || typeof value !== 'object') return [];
  // What an author's function returned may look like anything.
  if ('kind' in value && value.kind === 'task' && 'value' in value) return [];
  const own = isReference(value) ? [value] : [];
  return [...own, ...Object.values(value).flatMap(references)];
}

function isReference(value: object): value is ArtifactRef {
  const { uri, sha256, bytes } = value as Partial<ArtifactRef>;
  return typeof uri === 'string' && typeof sha256 === 'string' && typeof bytes === 'number';
}

async function exists(store: Store, { uri, bytes }: ArtifactRef): Promise<boolean> {
  const key = store.key(uri);
  return (await store.list(key)).some((o) => o.key === key && o.bytes === bytes);
}
