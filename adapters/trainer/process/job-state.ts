import { readFile } from 'node:fs/promises';
import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { isAlive, type ProcessRecord, readRecord, writeFileAtomic } from '../../../processes/index.js';
import type { JobManifest, JobState } from '../port.js';
import { tail } from './read-log.js';
import type { Scratch } from './scratch.js';

/** 75 is "try again later"; negative numbers are signals that come from outside: hang-up, interrupt, kill, terminate. */
const transientExitCodes: readonly (number | undefined)[] = [75, -1, -2, -9, -15];
const transientCodes: readonly string[] = ['E_DISK_FULL', 'E_STORE', 'E_TRAINER_LOST'];

const metrics = z.record(z.string(), z.union([z.number(), z.record(z.string(), z.number())]));
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.object({ path: z.string(), uri: z.string(), sha256, bytes: z.int().min(0) });
const manifest = z.object({
  format: z.literal(1),
  key: sha256,
  files: z.array(file),
  metrics: metrics.nullable(),
  formats: z.record(z.string(), z.string()),
});
/** `state.json` as the launcher writes it. */
const stateFile = z.discriminatedUnion('phase', [
  z.object({
    phase: z.enum(['fetching', 'running', 'uploading']),
    progress: z.record(z.string(), z.number()).optional(),
  }),
  z.object({ phase: z.literal('succeeded'), manifest }),
  z.object({
    phase: z.literal('failed'),
    exitCode: z.number().optional(),
    failure: z.object({ code: z.string().regex(/^E_[A-Z_0-9]+$/), message: z.string() }),
  }),
]);
type StateFile = z.output<typeof stateFile>;

/** Where a job is: what its launcher wrote last, and whether the launcher still lives. */
export async function jobState(scratch: Scratch): Promise<JobState> {
  const record = await readRecord(scratch.record);
  // Asked first: a launcher that ends in between has written its last state by then.
  const alive = record !== undefined && isAlive(record);
  const state = await readState(scratch);
  if (state?.phase === 'succeeded') return { phase: 'succeeded', manifest: checkedManifest(state.manifest, scratch) };
  if (state?.phase === 'failed') {
    const { code, message } = state.failure;
    const transient = transientCodes.includes(code) || transientExitCodes.includes(state.exitCode);
    return { phase: 'failed', failure: { code, message, transient } };
  }
  if (alive) return { phase: 'running', note: state?.phase ?? 'starting', progress: state?.progress ?? null };
  return { phase: 'lost', reason: await lostReason(scratch, record, state) };
}

/**
 * Writes how a job ended whose launcher could not say so itself: stopped now, or lost before (`wasLost`).
 * Called when all its processes are gone.
 */
export async function recordStop(scratch: Scratch, wasLost: boolean): Promise<void> {
  const state = await readState(scratch);
  if (state?.phase === 'succeeded' || state?.phase === 'failed') return;
  const failure = wasLost
    ? { code: 'E_TRAINER_LOST', message: 'the job was lost: it ended without a word; what was left of it was ended' }
    : { code: 'E_TRAINER_CANCELLED', message: 'the job was stopped; all its processes were ended' };
  await writeFileAtomic(
    scratch.state,
    JSON.stringify({ format: 1, phase: 'failed', endedAt: new Date().toISOString(), failure }),
    0o600,
  );
}

async function readState(scratch: Scratch): Promise<StateFile | undefined> {
  let text: string;
  try {
    text = await readFile(scratch.state, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = stateFile.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw protocolFault(scratch, `/${issue?.path.join('/') ?? ''} ${issue?.message ?? ''}`);
}

function checkedManifest(found: JobManifest, scratch: Scratch): JobManifest {
  if (found.key.startsWith(scratch.job)) return found;
  throw protocolFault(scratch, `the manifest is that of another job, ${found.key.slice(0, 32)}`);
}

async function lostReason(
  scratch: Scratch,
  record: ProcessRecord | undefined,
  state: StateFile | undefined,
): Promise<string> {
  if (record === undefined) return `no process is recorded in ${scratch.folder}`;
  const said = (await tail(scratch.launcherLog, 1000)).trim();
  const last = `the launcher (process ${record.pid}) is gone; the last it wrote was \`${state?.phase ?? 'nothing'}\``;
  return said === '' ? last : `${last}; its output ends with:\n${said}`;
}

function protocolFault(scratch: Scratch, message: string): SlipwayError {
  return new SlipwayError({
    code: 'E_TRAINER_PROTOCOL',
    where: scratch.state,
    message,
    fix: 'Do not edit the scratch folder of a job; run the stage again.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
