import { setTimeout as delay } from 'node:timers/promises';
import type { JobSpec, Trainer } from '../adapters/trainer/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { unavailableCode } from '../plan/failures.js';
import type { JobTold } from '../plan/job-told.js';
import { FailedJob } from './failed-job.js';

const firstPauseMs = 200;
const slowestPauseMs = 5_000;
const defaultAbsenceMs = 30_000;

/**
 * Ends the job of a key, or returns when the trainer has denied it for `window` ms without a break (default: as long as it must be
 * denied to be believed). Twice is fine.
 */
export async function stopByKey(trainer: Trainer, key: string, window = absenceMs(trainer)): Promise<void> {
  const since = Date.now();
  for (;;) {
    const found = await foundOrEnded(trainer, key);
    if (found === 'unknown') throw cannotSay(trainer, key);
    if (found === 'ended') return;
    if (found !== 'absent') return await trainer.stop(found.job);
    const left = since + window - Date.now();
    if (left <= 0) return;
    await delay(Math.min(left, slowestPauseMs));
  }
}

/** A trainer that finds fault with what a job left says that it has ended. */
async function foundOrEnded(trainer: Trainer, key: string): Promise<Awaited<ReturnType<Trainer['find']>> | 'ended'> {
  try {
    return await trainer.find(key);
  } catch (error) {
    if (isFaultOfResult(error)) return 'ended';
    throw error;
  }
}

/** Calls until the trainer can be reached, or it is `endsAt`. Not the activity's own sleep, which a cancelled activity has no more. */
export async function untilReached<T>(call: () => Promise<T>, endsAt: number): Promise<T> {
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, slowestPauseMs)) {
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error) || Date.now() + pause >= endsAt) throw error;
    }
    await delay(pause);
  }
}

/** Why a job was ended from here. */
interface Ended {
  code: string;
  message: string;
  transient: boolean;
}
export const lost = (reason: string): Ended => ({ code: 'E_TRAINER_LOST', message: reason, transient: true });
export const overrun = ({ maxMs }: JobSpec): Ended => ({
  code: 'E_TRAINER_LIMIT',
  message: `still running long after its time limit of ${Math.round(maxMs / 60_000)} min`,
  transient: false,
});

/** The failure of a job that is given up. What may be left of it is ended first, so that another attempt may start. */
export async function ended(
  trainer: Trainer,
  job: string,
  { code, message, transient }: Ended,
  told: JobTold,
): Promise<Error> {
  await trainer.stop(job);
  const fix = transient ? 'a new stage attempt may start another job' : 'see why its trainer did not end it';
  const fault = { code, where: `job ${job}`, message, fix };
  const facts = { adapter: trainer.adapter, transient, ...told };
  return new FailedJob(fault, transient ? { ...facts, interrupted: true } : facts);
}

/** How long a trainer must deny a job before it is believed. */
export function absenceMs(trainer: Trainer): number {
  return trainer.absenceMs ?? defaultAbsenceMs;
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof SlipwayError && error.code === unavailableCode;
}

/** Whether a trainer would not tell or did not answer in its form, which says nothing of its job. */
export function isRefusalToTell(error: unknown): boolean {
  return (
    error instanceof SlipwayError && ['E_TRAINER_ACCESS', 'E_TRAINER_PROTOCOL', 'E_S3_ACCESS'].includes(error.code)
  );
}

/** Whether a trainer told what a job left, which is not as it must be: the job has ended. */
export function isFaultOfResult(error: unknown): boolean {
  return error instanceof SlipwayError && /^E_(MANIFEST|PATH_ESCAPE|FILE_KIND|METRIC_\w+)$/.test(error.code);
}

/** The trainer could not say whether it has the job of a key. */
export function cannotSay(trainer: Trainer, key: string): Error {
  return new SlipwayError(
    {
      code: unavailableCode,
      message: `the ${trainer.adapter} trainer could not say whether job ${key.slice(0, 12)} exists`,
      fix: 'it is asked again; no second job is started meanwhile',
    },
    exitCodes.temporary,
  );
}
