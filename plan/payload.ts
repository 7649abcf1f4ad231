import { SlipwayError } from './errors.js';
import { utf8Length } from './text-size.js';

/** Largest value that travels through a history, bytes of JSON: half of Temporal's own limit, past which a run would be ended without a word from us. */
export const payloadLimit = 1_000_000;

/** Throws `E_PAYLOAD_SIZE` (65) for a value over the limit, with its size. */
export function checkPayload(what: string, value: unknown, fix: string): void {
  const text = JSON.stringify(value) as string | undefined;
  // A character is at most three bytes; counting them exactly is for values that may be over.
  if (text === undefined || text.length * 3 <= payloadLimit) return;
  const bytes = utf8Length(text);
  if (bytes <= payloadLimit) return;
  throw new SlipwayError({
    code: 'E_PAYLOAD_SIZE',
    message: `${what}: ${bytes} bytes of JSON, at most ${payloadLimit} travel (payload limit)`,
    fix,
  });
}

/** Longest text of a search attribute, characters: the columns of Temporal's SQL stores hold no more, its own limit is 2 KB. */
export const searchValueLimit = 255;

/** Throws `E_PAYLOAD_SIZE` (65) for a search attribute over the limit. */
export function checkSearchValue(attribute: string, value: string): void {
  if (value.length <= searchValueLimit) return;
  throw new SlipwayError({
    code: 'E_PAYLOAD_SIZE',
    where: attribute,
    message: `${value.length} characters, at most ${searchValueLimit} are kept (search attribute limit)`,
    fix: 'give a shorter one',
  });
}

/** A text as it is kept in a search attribute, and asked for: what is over the limit is left out. */
export function searchValue(text: string): string {
  return text.slice(0, searchValueLimit);
}
