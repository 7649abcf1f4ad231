import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { newAttemptCodes } from '../plan/failures.js';
import type { GraphStage } from '../plan/graph.js';
import type { RunContext } from './run-context.js';

/**
 * Stage attempts: another job, under another key, when one has failed and the stage may try again.
 * Activity retries (crash, network) are Temporal's and do not count.
 */
export async function attempts<T>(
  stage: GraphStage,
  run: RunContext,
  once: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    run.state.mark(stage.id, 'running', { attempt });
    run.show();
    try {
      return await once(attempt);
    } catch (error) {
      const code = failureCode(error);
      if (attempt >= stage.limits.attempts || code === undefined || !newAttemptCodes.includes(code)) throw error;
    }
  }
}

/** The `E_…` code of a failed activity, when it has one. */
export function failureCode(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) return undefined;
  return (cause.details?.[0] as { code?: string } | undefined)?.code;
}
