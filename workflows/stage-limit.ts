import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  TimeoutFailure,
  isCancellation,
  sleep,
} from '@temporalio/workflow';
import { formatDuration } from '../plan/duration.js';
import type { Limits } from '../plan/plan.js';
import { failureReason, refusal } from './failure-facts.js';

/** Turns the end of an activity that had no time left into the failure of its stage; every other failure stays as it is. */
export function overLimit(stage: string, { limits }: { limits: Limits }): (error: unknown) => never {
  return (error) => {
    const timeout = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(timeout instanceof TimeoutFailure) || timeout.timeoutType === 'HEARTBEAT') throw error;
    throw notInTime(stage, limits.timeoutMs, timeout.cause === undefined ? '' : `; at last: ${failureReason(timeout)}`);
  };
}

/**
 * Work that ends cleanly when it is cancelled, and is cancelled when its time is over: this throws `E_STAGE_LIMIT` once it has ended.
 * What it has done by then counts.
 */
export async function withinLimit<T>(
  { stage, limitMs, leftMs = limitMs }: { stage: string; limitMs: number; leftMs?: number },
  work: () => Promise<T>,
): Promise<T> {
  const [scope, clock] = [new CancellationScope({ cancellable: true }), new CancellationScope({ cancellable: true })];
  let over = false;
  const ring = async (): Promise<void> => {
    await sleep(Math.max(1, leftMs));
    over = true;
    scope.cancel();
  };
  clock.run(ring).catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
  });
  try {
    return await scope.run(work);
  } catch (error) {
    const cancelled = CancellationScope.current().consideredCancelled;
    throw over && !cancelled && isCancellation(error) ? notInTime(stage, limitMs, '') : error;
  } finally {
    clock.cancel();
  }
}

/** Whether this is what the two above throw: not what a child says of a stage of its own. */
export function isOverLimit(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === 'StageLimit';
}

function notInTime(stage: string, limitMs: number, last: string): ApplicationFailure {
  const said = `stage ${stage} was not done within its time limit of ${formatDuration(limitMs)}${last}`;
  return refusal('E_STAGE_LIMIT', 'StageLimit', said);
}
