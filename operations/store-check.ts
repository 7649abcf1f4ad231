import { hasConfig } from '../config/load.js';
import type { Environment } from '../config/open.js';
import { SlipwayError } from '../plan/errors.js';
import type { Check } from '../stack/index.js';

/** A store that accepts and never answers is away. */
const longestMs = 10_000;
/** Said of a store that is not up, which is no fault of what is installed. */
const away = new Set(['E_UNAVAILABLE', 'E_STACK_DOWN']);

/** What `doctor` says of the store of an environment: whether create-only writes are such. Nothing in a folder without configuration. */
export async function storeChecks(root: string, open: () => Promise<Environment>): Promise<Check[]> {
  if (!hasConfig(root)) return [];
  const name = 'store';
  const signal = AbortSignal.timeout(longestMs);
  try {
    const { ports } = await open();
    const fault = await ports.store.checkConditions({ signal });
    if (fault === undefined) return [{ name, ok: true, found: 'refuses a create-only write over what is there' }];
    return [{ name, ok: true, found: `${fault.faults[0]?.message}; \`singleWriter\` lets it pass` }];
  } catch (error) {
    if (signal.aborted) return [{ name, ok: true, found: `not checked: no answer within ${longestMs / 1_000} s` }];
    if (!(error instanceof SlipwayError)) throw error;
    const [fault] = error.faults;
    const said = fault?.message ?? error.message;
    if (away.has(error.code)) return [{ name, ok: true, found: `not checked: ${said}` }];
    return [{ name, ok: false, found: said, fix: fault?.fix ?? '' }];
  }
}
