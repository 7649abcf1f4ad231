import type { Store } from '../adapters/store/port.js';
import { keys } from '../plan/names.js';
import type { PromotionRecord } from '../plan/outputs.js';

/** The newest promotion record of a service: who serves. */
export async function latestPromotion(
  store: Store,
  environment: string,
  service: string,
): Promise<PromotionRecord | undefined> {
  const newest = (await store.list(keys.promotions(environment, service))).at(-1);
  if (newest === undefined) return undefined;
  const stored = await store.read(newest.key);
  return stored === undefined ? undefined : (JSON.parse(new TextDecoder().decode(stored.body)) as PromotionRecord);
}
