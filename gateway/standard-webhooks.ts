import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { refusal } from './refusals.js';

/** How far the clocks of sender and gateway may be apart, either way. */
export const toleranceSeconds = 300;
const mostSignatures = 5;

/** The envelope of a message whose signature was verified. */
export interface Signed {
  id: string;
  /** Unix seconds. */
  timestamp: number;
}

/**
 * Verifies a message as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body` with the raw bytes of the body, by any
 * of the keys (two while one is replaced). Every key is tried on every signature, so that a wrong one takes as long as a right one.
 *
 * @throws SlipwayError `E_ID` for an id that could be read in two ways, `E_SIG_TIME` when the clocks differ by more than five
 *   minutes, `E_SIG` for every other reason, always in the same words
 */
export function verify(headers: IncomingHttpHeaders, body: Uint8Array, keys: readonly Buffer[], nowMs: number): Signed {
  const id = one(headers['webhook-id']);
  if (!/^[A-Za-z0-9_:-]{1,256}$/.test(id)) {
    throw refusal('E_ID', 'webhook-id must be 1 to 256 letters, digits, `_`, `-` or `:`');
  }
  const text = one(headers['webhook-timestamp']);
  const timestamp = /^[0-9]{1,12}$/.test(text) ? Number(text) : NaN;
  const skew = Math.round(nowMs / 1_000 - timestamp);
  if (!(Math.abs(skew) <= toleranceSeconds)) {
    const found = Number.isNaN(skew) ? 'no Unix time in seconds' : `${Math.abs(skew)} s ${skew > 0 ? 'old' : 'ahead'}`;
    throw refusal('E_SIG_TIME', `webhook-timestamp is ${found}; at most ${toleranceSeconds} s are allowed`);
  }
  const signatures = one(headers['webhook-signature']).split(' ');
  const right = keys.map((key) => createHmac('sha256', key).update(`${id}.${text}.`).update(body).digest());
  let matches = 0;
  for (const signature of signatures.slice(0, mostSignatures)) {
    const [version, encoded = ''] = signature.split(',');
    const given = Buffer.from(encoded, 'base64');
    // A signature of another length is compared too, with what it cannot be.
    const padded = given.length === 32 ? given : Buffer.alloc(32);
    const usable = version === 'v1' && given.length === 32 && given.toString('base64') === encoded ? 1 : 0;
    for (const expected of right) matches += Number(timingSafeEqual(padded, expected)) * usable;
  }
  if (matches === 0 || signatures.length > mostSignatures) throw refusal('E_SIG', 'the signature is not valid');
  return { id, timestamp };
}

/** A header that came twice is none. */
function one(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}
