import { z } from 'zod';

import { secretRef } from '../../secret-ref.js';

export const s3Options = z.strictObject({
  adapter: z.literal('s3'),
  /** Base address of an S3-compatible store; absent = Amazon's own for the region. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** Default `us-east-1`. */
  region: z.string().min(1).default('us-east-1'),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected a bucket name: 3 to 63 of a-z, 0-9, `.`, `-`'),
  /** Put before every key, such as `team-a/`. Default none. */
  prefix: z
    .string()
    .regex(/^([A-Za-z0-9_][A-Za-z0-9._-]*\/)+$/, 'expected a prefix such as `team-a/`, ending in `/`')
    .optional(),
  /** References to both halves of the key; absent = the SDK's own search (shared files, instance roles). */
  credentials: z.strictObject({ accessKeyId: secretRef, secretAccessKey: secretRef }).optional(),
  /**
   * Checksums that travel with a request: `when_supported` (the default) sends one with every write, `when_required` only where S3
   * demands it, for a store that does not know them. SHA-256 is compared on every read either way.
   */
  checksums: z.enum(['when_supported', 'when_required']).default('when_supported'),
  /**
   * Only one process ever writes: then a store that does not keep `If-None-Match` is a warning instead of `E_STORE_UNSAFE`.
   * Default false.
   */
  singleWriter: z.boolean().default(false),
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default true, which every S3-compatible store understands. */
  forcePathStyle: z.boolean().default(true),
});
export type S3Options = z.output<typeof s3Options>;
/** The options as an author writes them: defaults may be left out. */
export type S3Input = z.input<typeof s3Options>;

/** An artifact store on S3 or anything that speaks its protocol. */
export function s3(options: Omit<S3Input, 'adapter'>): S3Input {
  return { adapter: 's3', ...options };
}
