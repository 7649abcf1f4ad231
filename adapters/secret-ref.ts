import { z } from 'zod';

/** A reference to a secret, never the secret: `env:NAME` or `file:PATH`. */
export const secretRef = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, 'expected a secret reference, `env:NAME` or `file:PATH`');
