import { setTimeout as sleep } from 'node:timers/promises';
import { SlipwayError } from '../plan/errors.js';
import type { Served } from './served-environments.js';

/** Between two questions to a store that gives no answer. */
const pauses = { firstMs: 1_000, longestMs: 30_000 } as const;

/**
 * Asks the store of each environment whether create-only writes are such, until each has answered: a store that is away
 * holds up nobody. Throws `E_STORE_UNSAFE` (78) as soon as one is unsafe; `warn` is told of one that its configuration lets
 * pass. Ends with the signal.
 */
export async function checkStores(served: Served, warn: (text: string) => void, signal: AbortSignal): Promise<void> {
  const safe = new Set<string>();
  for (let pauseMs: number = pauses.firstMs; ; pauseMs = Math.min(2 * pauseMs, pauses.longestMs)) {
    const answered = await Promise.all(served.names.map((name) => answers(served, name, { safe, warn, signal })));
    if (signal.aborted || answered.every(Boolean)) return;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

interface Asking {
  /** Stores that have answered; environments may share one. */
  safe: Set<string>;
  warn: (text: string) => void;
  signal: AbortSignal;
}

/** Whether the store of an environment has answered. */
async function answers(served: Served, name: string, { safe, warn, signal }: Asking): Promise<boolean> {
  try {
    const { store } = (await served.open(name)).ports;
    const which = `${store.access().endpoint} ${store.uri('')}`;
    if (safe.has(which)) return true;
    const fault = await store.checkConditions({ signal });
    if (fault !== undefined) warn(`warning: ${fault.message}`);
    safe.add(which);
    return true;
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'E_STORE_UNSAFE') throw error;
    // What else is wrong, whoever needs the store says.
    return false;
  }
}
