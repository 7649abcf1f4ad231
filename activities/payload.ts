import { SlipwayError } from '../plan/errors.js';

/** Largest value that travels through a history, bytes of JSON: half of Temporal's own limit, past which a run would be ended without a word from us. */
export const payloadLimit = 1_000_000;

/** Throws `E_PAYLOAD_SIZE` for a value over the limit, with its size. */
export function checkPayload(what: string, value: unknown, fix: string): void {
  const text = JSON.stringify(value) as string | undefined;
  // A character is at most three bytes; counting them exactly is for values that may be over.
  if (text === undefined || text.length * 3 <= payloadLimit) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= payloadLimit) return;
  throw new SlipwayError({
    code: 'E_PAYLOAD_SIZE',
    message: `${what}: ${bytes} bytes of JSON, at most ${payloadLimit} travel (payload limit)`,
    fix,
  });
}
