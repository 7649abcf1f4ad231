import { sleep } from '@temporalio/workflow';
import type { Limits } from '../plan/plan.js';
import { mayTryAgain } from './failure-facts.js';

/** What somebody wants to hear of attempts. */
export interface AttemptNews {
  began?: (attempt: number) => void;
  failed?: (error: unknown) => void;
}

/**
 * Stage attempts: another job, under another key, when one has failed and the stage may try again.
 * Activity retries (crash, network) are Temporal's and do not count. `told` hears of each attempt, from 1, and of each
 * failure that another one follows.
 * Not `async`: every promise that waits is a stack trace in the memory of a cached run.
 */
export function attempts<T>(
  limits: Limits,
  once: (attempt: number) => Promise<T>,
  told: AttemptNews = {},
  attempt = 1,
): Promise<T> {
  told.began?.(attempt);
  if (attempt >= limits.attempts) return once(attempt);
  return once(attempt).catch((error: unknown) => {
    if (!mayTryAgain(error)) throw error;
    told.failed?.(error);
    const again = () => attempts(limits, once, told, attempt + 1);
    const pause = pauseMs(limits, attempt);
    return pause > 0 ? sleep(pause).then(again) : again();
  });
}

/** The pause after a failed attempt, milliseconds. */
function pauseMs({ retry }: Limits, attempt: number): number {
  if (retry === undefined) return 0;
  return Math.min(retry.maxMs, retry.waitMs * retry.backoff ** (attempt - 1));
}
