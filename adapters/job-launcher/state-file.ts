import { z } from 'zod';

import { SlipwayError } from '../../plan/errors.js';
import { parseJson } from '../../plan/json.js';
import type { JobFailure, JobManifest } from '../trainer/port.js';
import { parseManifest } from './manifest.js';
import { launcherProgress } from './progress.js';

/** 75 is "try again later"; negative numbers are signals that come from outside: hang-up, interrupt, kill, terminate. */
const transientExitCodes: readonly (number | undefined)[] = [75, -1, -2, -9, -15];
const transientCodes: readonly string[] = ['E_DISK_FULL', 'E_STORE', 'E_TRAINER_LOST'];

const times = { startedAt: z.iso.datetime().optional(), endedAt: z.iso.datetime().optional() };
/** `state.json` as the launcher writes it. */
const stateFile = z.discriminatedUnion('phase', [
  z.object({
    phase: z.enum(['fetching', 'running', 'uploading']),
    progress: launcherProgress.optional(),
  }),
  z.object({ phase: z.literal('succeeded'), ...times, manifest: z.unknown() }),
  z.object({
    phase: z.literal('failed'),
    ...times,
    exitCode: z.number().optional(),
    failure: z.object({
      code: z.string().regex(/^E_[A-Z_0-9]+$/),
      message: z.string(),
      transient: z.boolean().optional(),
    }),
  }),
]);
type Read = z.output<typeof stateFile>;
type Succeeded = Omit<Extract<Read, { phase: 'succeeded' }>, 'manifest'> & { manifest: JobManifest };
export type StateFile = Exclude<Read, { phase: 'succeeded' }> | Succeeded;
export type FailedState = Extract<StateFile, { phase: 'failed' }>;

/**
 * Reads what a launcher told last. `E_TRAINER_PROTOCOL` for what it cannot have written, among it the manifest of another job;
 * what is wrong with a manifest has codes of its own, see `parseManifest`.
 *
 * @param job how the job's key begins
 * @param where names the file in errors
 */
export function parseStateFile(text: string, job: string, where: string): StateFile {
  const parsed = stateFile.safeParse(parseJson(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw protocolFault(where, `/${issue?.path.join('/') ?? ''} ${issue?.message ?? ''}`);
  }
  const state = parsed.data;
  if (state.phase !== 'succeeded') return state;
  const manifest = parseManifest(state.manifest, where);
  if (!manifest.key.startsWith(job))
    throw protocolFault(where, `the manifest is that of another job, ${manifest.key.slice(0, 32)}`);
  return { ...state, manifest };
}

/** How long the launcher worked, where it says so: from the first input that it fetched to the last output that it stored. */
export function ranMsOf({ startedAt, endedAt }: { startedAt?: string | undefined; endedAt?: string | undefined }): {
  ranMs?: number;
} {
  if (startedAt === undefined || endedAt === undefined) return {};
  return { ranMs: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) };
}

/** The failure that a launcher told, and whether the same work may succeed when tried again. */
export function failureOf({ failure: { code, message, transient }, exitCode }: FailedState): JobFailure {
  const known = transientCodes.includes(code) || transientExitCodes.includes(exitCode);
  return { code, message, transient: transient ?? known };
}

function protocolFault(where: string, message: string): SlipwayError {
  return new SlipwayError({
    code: 'E_TRAINER_PROTOCOL',
    where,
    message,
    fix: 'Do not edit the scratch folder of a job; run the stage again.',
  });
}
