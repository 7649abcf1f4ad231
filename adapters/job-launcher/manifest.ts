import { z } from 'zod';

import { type Fault, printable, SlipwayError } from '../../plan/errors.js';
import { pointerStep } from '../../plan/json.js';
import type { JobManifest } from '../trainer/port.js';

/** The launcher takes as many of a model, and as many of other outputs. */
const mostFiles = 20_000;
/** Faults that are told at once. */
const mostFaults = 5;

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits');

/** Where a file lies below its folder. */
export const relativePath = z
  .string()
  .min(1)
  .max(1024)
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f\\]+$/, 'no control characters and no backslashes')
  .refine((path) => path.split('/').every((step) => step !== '' && step !== '.' && step !== '..'), {
    message: 'a path below its folder: no leading slash, no empty step, no `.` or `..`',
  });

const file = z.strictObject({
  path: relativePath,
  // eslint-disable-next-line no-control-regex
  uri: z.string().regex(/^(s3|file):\/\/[^\u0000-\u001f\u007f]{1,4096}$/, 'an s3:// or file:// address'),
  sha256,
  bytes: z.int().min(0),
});
const files = z
  .array(file)
  .max(mostFiles)
  .refine((all) => new Set(all.map((f) => f.path)).size === all.length, 'names a path twice');
const metrics = z.record(z.string(), z.union([z.number(), z.record(z.string(), z.number())])).nullable();

/** A list of files, each with its own digest: it includes no other list, so it has no cycles. */
const manifest: z.ZodType<JobManifest> = z.strictObject({
  format: z.literal(1),
  key: sha256,
  files,
  metrics,
  formats: z.record(relativePath, z.string().max(40)),
});

/**
 * Reads the manifest that a launcher wrote. Throws all that is wrong with it: `E_METRIC_INVALID` about its metrics,
 * `E_PATH_ESCAPE` about paths that lead elsewhere, `E_MANIFEST` about all else.
 */
export function parseManifest(value: unknown, where: string): JobManifest {
  const parsed = manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SlipwayError(manifestFaults(parsed.error, where));
}

/** What is wrong with a manifest; `skip`: steps of the issues' paths before it. */
export function manifestFaults(error: z.ZodError, where: string, skip = 0): Fault[] {
  return error.issues.slice(0, mostFaults).map(({ path, message }) => {
    const at = path.slice(skip);
    return {
      code: codeOf(at),
      where,
      message: `the manifest at ${at.map((step) => pointerStep(String(step))).join('') || '/'}: ${printable(message, 160)}`,
      fix: 'Make the launcher or service write what docs/job-contract.md says; nothing of this job was taken.',
    };
  });
}

function codeOf(path: readonly PropertyKey[]): string {
  if (path[0] === 'metrics') return 'E_METRIC_INVALID';
  return path[0] === 'files' && path[2] === 'path' ? 'E_PATH_ESCAPE' : 'E_MANIFEST';
}
