import type { Store } from '../adapters/store/port.js';
import { SlipwayError } from '../plan/errors.js';
import { canonicalJson, pointerStep, valueAt, type Json } from '../plan/json.js';
import { keys } from '../plan/names.js';
import { inlineLimit, type StoredValue, type TaskOutput } from '../plan/outputs.js';
import { sha256 } from './digest.js';

/** Largest value that one task may return, bytes of JSON. */
export const valueLimit = 32 * 1024 * 1024;
const deepestList = 2;
const mostLists = 100;
const keptBytes = 64 * 1024 * 1024;

/** A task's value as it travels: inline while it is small, else stored under its digest. `E_PAYLOAD_SIZE` over 32 MiB. */
export async function taskOutput(store: Store, value: Json, where: string): Promise<TaskOutput> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  if (bytes.length <= inlineLimit) return { kind: 'task', value };
  if (bytes.length > valueLimit) throw tooLarge(where, bytes.length);
  const ref = await store.put(keys.value(sha256(bytes)), bytes, { ifAbsent: true });
  return { kind: 'task', stored: { ...ref, lists: listLengths(value) } };
}

/** Lengths of the lists in a value, by pointer: the value itself and the members of its objects, two levels down, at most a hundred. */
export function listLengths(value: Json): Record<string, number> {
  const found: [string, number][] = [];
  const look = (at: string, inner: Json, depth: number): void => {
    if (Array.isArray(inner)) found.push([at, inner.length]);
    else if (inner !== null && typeof inner === 'object' && depth < deepestList)
      for (const [key, v] of Object.entries(inner)) look(at + pointerStep(key), v, depth + 1);
  };
  look('', value, 0);
  return Object.fromEntries(found.slice(0, mostLists));
}

/** Values that were read last: the elements of a list are read one by one, the list should be once. */
const kept = new Map<string, { value: Promise<Json>; bytes: number }>();

/** A stored value; its digest is checked. */
export async function readStored(store: Store, stored: StoredValue): Promise<Json> {
  const known = kept.get(stored.sha256);
  const value = known?.value ?? store.get(stored).then((body) => JSON.parse(new TextDecoder().decode(body)) as Json);
  kept.delete(stored.sha256);
  kept.set(stored.sha256, { value, bytes: stored.bytes });
  forgetOldest();
  try {
    return await value;
  } catch (error) {
    kept.delete(stored.sha256);
    throw error;
  }
}

/** What stands at a path inside a stored value; undefined where the path leads nowhere. */
export async function readStoredAt(
  store: Store,
  stored: StoredValue,
  path: readonly string[],
): Promise<Json | undefined> {
  return valueAt(await readStored(store, stored), path);
}

/** The value that was read last is always kept, however large. */
function forgetOldest(): void {
  let bytes = [...kept.values()].reduce((sum, k) => sum + k.bytes, 0);
  for (const [digest, { bytes: freed }] of kept) {
    if (bytes <= keptBytes || kept.size === 1) return;
    kept.delete(digest);
    bytes -= freed;
  }
}

function tooLarge(where: string, bytes: number): SlipwayError {
  return new SlipwayError({
    code: 'E_PAYLOAD_SIZE',
    where,
    message: `the task returned ${bytes} bytes of JSON, at most ${valueLimit} are kept`,
    fix: 'write large data to a store of yours and return where it is',
  });
}
