import { SlipwayError, exitCodes } from './errors.js';
import { unavailableCode } from './failures.js';
import { valueAt, type Json } from './json.js';
import { keys } from './names.js';
import type { PromotionRecord, VersionOutput } from './outputs.js';

/** What a reader of promotion records needs of a store. */
export interface PromotionStore {
  list(prefix: string): Promise<readonly { key: string }[]>;
  read(key: string): Promise<{ body: Uint8Array } | undefined>;
}
/** Who promotes what. */
export interface Promoting {
  run: { environment: string; workflowId: string };
  service: string;
  version: Pick<VersionOutput, 'package'>;
  kind: PromotionRecord['kind'];
}
/** The records that a promotion stands on. */
export interface PromotionGround {
  /** Who serves; undefined: nobody was promoted yet. */
  newest: PromotionRecord | undefined;
  /** The one that the new record follows. */
  predecessor: PromotionRecord | undefined;
  /** `newest` is this very promotion: it was written, and the answer was lost. */
  committed: boolean;
}

/** Wherever this runs there is one; it belongs to no library that this folder knows. */
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

/**
 * The newest promotion record of a service: who serves; undefined when nobody was promoted yet. A record that is there and cannot be
 * read is a fault: taking it for "no champion yet" would promote without a canary.
 * Throws `E_UNAVAILABLE` (75) for one that is listed and not found, `E_PROMOTION_RECORD` (65) for one that is none.
 */
export async function latestPromotion(
  store: PromotionStore,
  environment: string,
  service: string,
): Promise<PromotionRecord | undefined> {
  const newest = (await store.list(keys.promotions(environment, service))).at(-1);
  return newest === undefined ? undefined : await promotionAt(store, newest.key);
}

/** One promotion record that exists, by its number. Throws as `latestPromotion` does. */
export async function promotion(
  store: PromotionStore,
  environment: string,
  service: string,
  sequence: number,
): Promise<PromotionRecord> {
  return await promotionAt(store, keys.promotion(environment, service, sequence));
}

/** What a promotion follows. Throws as `latestPromotion` does. */
export async function promotionGround(store: PromotionStore, promoting: Promoting): Promise<PromotionGround> {
  const { run, service } = promoting;
  const newest = await latestPromotion(store, run.environment, service);
  if (newest === undefined || !isOwnPromotion(newest, promoting))
    return { newest, predecessor: newest, committed: false };
  const before = newest.predecessor;
  const predecessor = before === null ? undefined : await promotion(store, run.environment, service, before);
  return { newest, predecessor, committed: true };
}

/** Whether this run has written this record for this version: an answer was lost, or the work began again after the commit. */
export function isOwnPromotion(record: PromotionRecord, { run, version, kind }: Promoting): boolean {
  return (
    record.kind === kind &&
    record.run.workflowId === run.workflowId &&
    record.version.package.sha256 === version.package.sha256
  );
}

/**
 * Why a comparison counts no more: somebody was promoted since the gate compared. `compared`: the number of the record that it
 * compared with, null when there was none, undefined when no gate compared. Null: it counts.
 */
export function staleBaseline(compared: number | null | undefined, predecessor: number | null): string | null {
  if (compared === undefined || compared === predecessor) return null;
  return `stale baseline: the gate compared with record ${compared ?? 'none'}, record ${predecessor ?? 'none'} is the newest`;
}

async function promotionAt(store: PromotionStore, key: string): Promise<PromotionRecord> {
  const stored = await store.read(key);
  if (stored === undefined)
    throw new SlipwayError(
      {
        code: unavailableCode,
        where: key,
        message: 'the promotion record is known but cannot be read',
        fix: 'it is read again',
      },
      exitCodes.temporary,
    );
  const found = parsed(stored.body);
  if (isPromotion(found) && keys.promotion(found.environment, found.service, found.sequence) === key) return found;
  throw new SlipwayError({
    code: 'E_PROMOTION_RECORD',
    where: key,
    message: 'what is stored here is not the promotion record that its name promises: nobody can say who serves',
    fix: 'Put back the object as it was written, from a backup or an earlier version of it; promotion records are never changed.',
  });
}

function parsed(body: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as Json;
  } catch {
    return undefined;
  }
}

/** What readers go by is there. */
function isPromotion(found: unknown): found is PromotionRecord {
  const at = (...path: string[]) => valueAt(found as Json | undefined, path);
  const before = at('predecessor');
  return (
    at('format') === 1 &&
    (at('kind') === 'rollout' || at('kind') === 'promote') &&
    typeof at('sequence') === 'number' &&
    (before === null || typeof before === 'number') &&
    typeof at('run', 'workflowId') === 'string' &&
    typeof at('version', 'package', 'sha256') === 'string'
  );
}
