import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { SlipwayError } from '../../../plan/errors.js';

/** A job's own folder, named by the first half of its key. */
export interface Scratch {
  /** The job's id: the folder's name. */
  job: string;
  folder: string;
  /** What the launcher reads. */
  spec: string;
  /** The launcher's process, as recorded when it was started. */
  record: string;
  /** How far the launcher is, written by it. */
  state: string;
  /** Output of the command, written by the launcher. */
  log: string;
  /** Output of the launcher itself. */
  launcherLog: string;
}

const keyForm = /^[0-9a-f]{64}$/;
const jobForm = /^[0-9a-f]{32}$/;

/** The scratch folder of a key (64 hex digits). */
export function scratchOfKey(directory: string, key: string): Scratch {
  if (!keyForm.test(key)) throw new TypeError('an idempotency key is 64 lower-case hex digits');
  return scratchOfJob(directory, key.slice(0, 32));
}

/** Whether it has the form of a job id. */
export function isJob(name: string): boolean {
  return jobForm.test(name);
}

/** The scratch folder of a job id; `E_TRAINER_JOB` for what is none, so that no id leads out of the directory. */
export function scratchOfJob(directory: string, job: string): Scratch {
  if (!isJob(job)) {
    throw new SlipwayError({
      code: 'E_TRAINER_JOB',
      where: job,
      message: 'is no job of the process trainer',
      fix: 'Job ids are the 32 hex digits that `start` returned.',
    });
  }
  const folder = resolve(directory, job);
  const file = (name: string) => join(folder, name);
  return {
    job,
    folder,
    spec: file('spec.json'),
    record: file('process.json'),
    state: file('state.json'),
    log: file('log.txt'),
    launcherLog: file('launcher.log'),
  };
}

/**
 * Makes the folder, readable by its owner alone.
 *
 * @param others the folder above is one that others may pass through, without seeing what is in it
 */
export async function makeScratch(scratch: Scratch, others = false): Promise<void> {
  await mkdir(scratch.folder, { recursive: true, mode: 0o700 });
  if (!others) return;
  const above = dirname(scratch.folder);
  const { mode } = await stat(above);
  if ((mode & 0o001) === 0) await chmod(above, (mode & 0o777) | 0o001);
}
