import type { Store } from '../adapters/store/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { unavailableCode } from '../plan/failures.js';
import { keys } from '../plan/names.js';
import type { PromotionRecord } from '../plan/outputs.js';

/** The newest promotion record of a service: who serves. */
export async function latestPromotion(
  store: Store,
  environment: string,
  service: string,
): Promise<PromotionRecord | undefined> {
  const newest = (await store.list(keys.promotions(environment, service))).at(-1);
  return newest === undefined ? undefined : await recordAt(store, newest.key);
}

/** One promotion record of a service, by its number. */
export async function promotion(
  store: Store,
  environment: string,
  service: string,
  sequence: number,
): Promise<PromotionRecord> {
  return await recordAt(store, keys.promotion(environment, service, sequence));
}

async function recordAt(store: Store, key: string): Promise<PromotionRecord> {
  const stored = await store.read(key);
  if (stored !== undefined) return JSON.parse(new TextDecoder().decode(stored.body)) as PromotionRecord;
  // Records are never deleted: taking this for "no champion yet" would promote without a canary.
  throw new SlipwayError(
    {
      code: unavailableCode,
      where: key,
      message: 'the promotion record is known but cannot be read',
      fix: 'it is read again',
    },
    exitCodes.temporary,
  );
}
