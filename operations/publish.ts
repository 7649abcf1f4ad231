import type { Store } from '../adapters/store/port.js';
import type { CompletePlan } from '../authoring/loading/index.js';
import { keys } from '../plan/names.js';
import type { DeployedPointer } from '../plan/plan.js';
import { encode, updateJson } from './records.js';

/** Writes code, then the plan that names it; what is there already stays. */
export async function publishPlan(store: Store, complete: CompletePlan): Promise<void> {
  for (const blob of complete.blobs) await store.put(blob.key, blob.bytes, { ifAbsent: true });
  await store.put(keys.plan(complete.digest), encode(complete.plan), { ifAbsent: true });
}

/** Moves the pointer of an environment to a published plan; answers the digest that it pointed to before. */
export async function movePointer(
  store: Store,
  to: { environment: string; pipeline: string; digest: string; by: string; at: string },
): Promise<string | null> {
  let before: string | null = null;
  await updateJson<DeployedPointer>(store, keys.deployed(to.environment, to.pipeline), (now) => {
    before = now?.plan ?? null;
    if (before === to.digest) return undefined;
    return { format: 1, pipeline: to.pipeline, environment: to.environment, plan: to.digest, at: to.at, by: to.by };
  });
  return before;
}
