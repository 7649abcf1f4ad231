import { z } from 'zod';

import { metricNameProblem } from '../../../plan/metric-names.js';
import { relativePath, sha256 } from '../../job-launcher/manifest.js';
import { progressNumbers } from '../../job-launcher/progress.js';
import type { JobManifest } from '../port.js';

// What travels between the adapter and a service, strict on both sides (`trainers/http-server/openapi.json`).

/** Longest message, answered or pushed: a manifest of 10,000 files with long names fits. */
export const mostMessageBytes = 8 * 1024 * 1024;

/** The service's own name for a job. */
const jobName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, dots, dashes, 1 to 128');

const file = z
  .strictObject({
    path: relativePath,
    uri: z.string().regex(/^(s3|file):\/\/\S{1,2048}$/, 'an s3:// or file:// address'),
    sha256,
    bytes: z.int().min(0),
  })
  .refine((f) => decodedEnd(f.uri, f.path), { message: 'must end with the path of the file', path: ['uri'] });

const name = (kind: 'metric' | 'member') =>
  z.string().superRefine((given, { addIssue }) => {
    const problem = metricNameProblem(given, kind);
    if (problem !== undefined) addIssue({ code: 'custom', message: `no name of a ${kind}: ${problem}` });
  });
const progress = progressNumbers.nullable();
const files = z
  .array(file)
  .max(10_000)
  .refine((all) => new Set(all.map((f) => f.path)).size === all.length, 'names a path twice');
/** Path → format of the model's files, found by content. */
const formats = z.record(relativePath, z.string().max(40)).optional();
/** Metrics are judged apart, so that a wrong one is called a wrong metric. */
const manifest = z.strictObject({ format: z.literal(1), key: sha256, files, metrics: z.unknown(), formats });

const head = { format: z.literal(1), key: sha256, job: jobName };
const failure = z.strictObject({
  // A failure that says "ask again later" would be asked again for ever.
  code: z.string().regex(/^E_(?!UNAVAILABLE$)[A-Z0-9_]{1,60}$/, 'no code that a job ends with'),
  message: z.string().max(8_192),
  transient: z.boolean(),
});

/** How long the job occupied its machine: what is paid for. */
const seconds = z.number().min(0).max(1e9).optional();

/** How a job fares, as the service tells it. */
export const jobMessage = z.discriminatedUnion('phase', [
  z.strictObject({ ...head, phase: z.enum(['queued', 'running']), note: z.string().max(200).nullable(), progress }),
  z.strictObject({ ...head, phase: z.literal('succeeded'), manifest, seconds }),
  z.strictObject({ ...head, phase: z.literal('failed'), failure, seconds }),
  z.strictObject({ ...head, phase: z.literal('lost'), reason: z.string().max(2_048) }),
]);
export type JobMessage = z.output<typeof jobMessage>;

/** Numbers by name, or one level of named ones: at most 200 in all. */
export const metricsMessage: z.ZodType<JobManifest['metrics']> = z
  .record(name('metric'), z.union([z.number(), z.record(name('member'), z.number())]))
  .refine((all) => countOf(all) <= 200, 'more than 200 metrics')
  .nullable();

/** A part of a job's output. */
export const logMessage = z.strictObject({ ...head, text: z.string(), next: z.int().min(0) });

/** Every refusal. */
export const refusalMessage = z.strictObject({
  faults: z
    .array(
      z.strictObject({
        code: z.string().regex(/^E_[A-Z0-9_]{1,60}$/),
        message: z.string().max(8_192),
        where: z.string().max(1_024).optional(),
        fix: z.string().max(2_048).optional(),
      }),
    )
    .min(1)
    .max(100),
});

/** What a service pushes: the payload of Standard Webhooks around how a job fares. */
export const callbackMessage = z.strictObject({
  type: z.literal('job'),
  timestamp: z.iso.datetime({ offset: true }),
  data: jobMessage,
});

function countOf(metrics: Record<string, number | Record<string, number>>): number {
  return Object.values(metrics).reduce<number>(
    (sum, v) => sum + (typeof v === 'number' ? 1 : Object.keys(v).length),
    0,
  );
}

function decodedEnd(uri: string, path: string): boolean {
  if (uri.endsWith(`/${path}`)) return true;
  try {
    return uri.startsWith('file:') && decodeURIComponent(uri).endsWith(`/${path}`);
  } catch {
    return false;
  }
}
