import { z } from 'zod';

/** A reference to a secret, never the secret: `env:NAME`, `file:PATH`, or the local stack's own S3 keys. */
export const secretRef = z
  .string()
  .regex(
    /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|stack:s3\/(accessKeyId|secretAccessKey))$/,
    'expected a secret reference, `env:NAME` or `file:PATH`',
  );
