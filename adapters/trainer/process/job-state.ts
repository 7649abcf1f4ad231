import { readFile } from 'node:fs/promises';

import { isAlive, type ProcessRecord, readRecord, writeFileAtomic } from '../../../processes/index.js';
import { failureOf, parseStateFile, ranMsOf, type StateFile } from '../../job-launcher/state-file.js';
import type { JobState } from '../port.js';
import { tail } from './read-log.js';
import type { Scratch } from './scratch.js';

/** Where a job is: what its launcher wrote last, and whether the launcher still lives. */
export async function jobState(scratch: Scratch): Promise<JobState> {
  const record = await readRecord(scratch.record);
  // Asked first: a launcher that ends in between has written its last state by then.
  const alive = record !== undefined && isAlive(record);
  const state = await readState(scratch);
  if (state?.phase === 'succeeded') return { phase: 'succeeded', manifest: state.manifest, ...ranMsOf(state) };
  if (state?.phase === 'failed') return { phase: 'failed', failure: failureOf(state), ...ranMsOf(state) };
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
  return parseStateFile(text, scratch.job, scratch.state);
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
