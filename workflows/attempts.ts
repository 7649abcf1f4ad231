import { newAttemptCodes } from '../plan/failures.js';
import type { GraphStage } from '../plan/graph.js';
import { failureCode } from './failure-facts.js';
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
