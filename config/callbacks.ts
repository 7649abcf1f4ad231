import { type Inbox, openInbox } from '../adapters/trainer/http/inbox.js';
import { mostMessageBytes } from '../adapters/trainer/http/messages.js';
import { exitCodes, type Fault, SlipwayError } from '../plan/errors.js';
import { openEnvironment, type OpenOptions } from './open.js';
import { references } from './references.js';
import type { Config } from './schema.js';

/** Longest message that a trainer may push. */
export const mostCallbackBytes = mostMessageBytes;

/** A trainer that pushes how its jobs fare. */
export interface CallbackEndpoint {
  environment: string;
  trainer: string;
  /** It may sign with any of them. */
  keys: readonly Buffer[];
  inbox: Inbox;
}

/**
 * Opens the inboxes of all trainers that push, in every environment of the configuration.
 *
 * @throws SlipwayError `E_WEBHOOK_KEY` (78) with every key that is no `whsec_` key of 24 to 64 bytes or serves two trainers; `E_SECRET_REF`
 */
export async function openCallbacks(config: Config, o: OpenOptions): Promise<CallbackEndpoint[]> {
  const { secret } = references(o.root, o.env);
  const faults: Fault[] = [];
  const owners = new Map<string, string>();
  const found = Object.entries(config.environments).flatMap(([environment, settings]) =>
    Object.entries(settings.trainers).flatMap(([trainer, options]) => {
      if (options.adapter !== 'http' || options.callback === undefined) return [];
      const where = `/environments/${environment}/trainers/${trainer}/callback/keys`;
      const keys = options.callback.keys.flatMap((ref, n) => {
        const text = secret(ref);
        const owner = owners.get(text) ?? where;
        owners.set(text, owner);
        const key = decoded(text);
        if (key !== undefined && owner === where) return [key];
        const message = key === undefined ? 'is no `whsec_` key of 24 to 64 bytes' : `is the key of ${owner} too`;
        faults.push({ code: 'E_WEBHOOK_KEY', where: `${where}/${n}`, message: `${ref} ${message}`, fix: keyFix });
        return [];
      });
      return [{ environment, trainer, keys }];
    }),
  );
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.configuration);
  return Promise.all(
    found.map(async (endpoint) => {
      const { ports } = await openEnvironment(config, endpoint.environment, o);
      return { ...endpoint, inbox: openInbox(ports.store, endpoint.environment, endpoint.trainer) };
    }),
  );
}

const keyFix = 'Make one for each trainer: `echo whsec_$(openssl rand -base64 32)`.';

function decoded(text: string): Buffer | undefined {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  if (encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  return key.length >= 24 && key.length <= 64 && key.toString('base64') === encoded ? key : undefined;
}
