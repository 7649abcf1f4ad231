import { z } from 'zod';

import { type Duration, durationMs, parseDuration } from '../../../plan/duration.js';
import { secretRef } from '../../secret-ref.js';

const timeout = z.custom<Duration>((value) => {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  return ms !== undefined && ms >= 100 && durationMs('5m') >= ms;
}, 'expected a duration from 100ms to 5m, such as `30s`');

/** `10.0.0.0/8`, `127.0.0.1/32`, `fd00::/8`. */
const network = z
  .string()
  .regex(/^([0-9.]{7,15}\/([0-9]|[12][0-9]|3[0-2])|[0-9a-f:.]{2,45}\/([0-9]{1,2}|1[01][0-9]|12[0-8]))$/i, {
    message: 'expected an address with a prefix length, such as `10.0.0.0/8`',
  });

/** No credentials, which would be shown with the address, and nothing after the path. */
const base = z
  .url({ protocol: /^https?$/ })
  .refine((text) => plain(text), 'expected an address without user, query and fragment; name the token under `token`');

function plain(text: string): boolean {
  const { username, password, search, hash } = new URL(text);
  return `${username}${password}${search}${hash}` === '';
}

export const httpTrainerOptions = z.strictObject({
  adapter: z.literal('http'),
  /** Base address of the service. `http:` only to addresses in `networks`. */
  url: base,
  /** Reference to the bearer token that it wants. Default: none is sent. */
  token: secretRef.optional(),
  /** Networks that are not public and may be reached all the same. Default: none. */
  networks: z.array(network).default([]),
  /** Longest wait for one answer. Default `30s`. */
  timeout: timeout.default('30s'),
  /** The service pushes how its jobs fare, signed, to the gateway; polls are answered from what it pushed, and it is asked after a silence. Default: it is asked. */
  callback: z
    .strictObject({
      /** The gateway as the service reaches it. */
      url: base,
      /** References to the keys (`whsec_…`) that the service may sign with: one, or two while a key is replaced. */
      keys: z.array(secretRef).min(1).max(2),
    })
    .optional(),
});
export type HttpTrainerOptions = z.output<typeof httpTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type HttpTrainerInput = z.input<typeof httpTrainerOptions>;

/** Jobs on a service that speaks the protocol of `trainers/http-server/openapi.json`. */
export function httpTrainer(options: Omit<HttpTrainerInput, 'adapter'>): HttpTrainerInput {
  return { adapter: 'http', ...options };
}
