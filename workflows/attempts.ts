import { sleep } from '@temporalio/workflow';
import { newAttemptCodes } from '../plan/failures.js';
import type { Limits } from '../plan/plan.js';
import { failureCode } from './failure-facts.js';

/**
 * Stage attempts: another job, under another key, when one has failed and the stage may try again.
 * Activity retries (crash, network) are Temporal's and do not count. `began` is told of each attempt, from 1.
 */
export async function attempts<T>(
  limits: Limits,
  once: (attempt: number) => Promise<T>,
  began: (attempt: number) => void = () => undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    began(attempt);
    try {
      return await once(attempt);
    } catch (error) {
      const code = failureCode(error);
      if (attempt >= limits.attempts || code === undefined || !newAttemptCodes.includes(code)) throw error;
    }
    const pause = pauseMs(limits, attempt);
    if (pause > 0) await sleep(pause);
  }
}

/** The pause after a failed attempt, milliseconds. */
function pauseMs({ retry }: Limits, attempt: number): number {
  if (retry === undefined) return 0;
  return Math.min(retry.maxMs, retry.waitMs * retry.backoff ** (attempt - 1));
}
