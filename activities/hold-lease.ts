import { CancelledFailure } from '@temporalio/common';
import { cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import { SlipwayError } from '../plan/errors.js';
import { beating } from './beating.js';
import type { ActivityContext } from './context.js';

/** Below the heartbeat's limit, whatever the lease's length. */
const longestPauseMs = 3_000;

export interface HoldLeaseInput {
  environment: string;
  service: string;
  epoch: number;
  leaseTtlMs: number;
}
/** How holding ended, when it was not cancelled. An early answer `until` counts as renewed until then (ISO 8601). */
export type LeaseEnd = { lost: true; reason: string } | { lost: false; until: string };

/**
 * Renews the router's lease until it is cancelled. Against a real router it returns only when the lease is lost:
 * the router went home to the champion by itself, or a newer epoch took over.
 */
export async function holdLease(context: ActivityContext, input: HoldLeaseInput): Promise<LeaseEnd> {
  const { ports } = await context.environment(input.environment);
  const pauseMs = Math.min(longestPauseMs, Math.max(200, Math.floor(input.leaseTtlMs / 4)));
  for (;;) {
    try {
      const expiresAt = new Date(Date.now() + input.leaseTtlMs).toISOString();
      await beating(ports.router.renew(input.service, input.epoch, expiresAt, cancellationSignal()), {
        until: expiresAt,
      });
    } catch (error) {
      if (error instanceof CancelledFailure || cancellationSignal().aborted) throw error;
      if (error instanceof SlipwayError && (error.code === 'E_EPOCH' || error.code === 'E_LEASE_EXPIRED'))
        return { lost: true, reason: error.message };
      heartbeat({ unreachable: String(error) });
    }
    await sleep(pauseMs);
  }
}
