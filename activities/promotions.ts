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
  if (newest === undefined) return undefined;
  const stored = await store.read(newest.key);
  if (stored === undefined) {
    // Records are never deleted: taking this for "no champion yet" would promote without a canary.
    throw new SlipwayError(
      {
        code: unavailableCode,
        where: newest.key,
        message: 'the promotion record is listed but cannot be read',
        fix: 'it is read again',
      },
      exitCodes.temporary,
    );
  }
  return JSON.parse(new TextDecoder().decode(stored.body)) as PromotionRecord;
}
