import { ApplicationFailure } from '@temporalio/common';
import { SlipwayError, printable } from '../plan/errors.js';
import { failureMessageLimit, failureType, unavailableCode } from '../plan/failures.js';

/**
 * Maps what an activity throws: an unavailable dependency is retried by Temporal, every other known failure is
 * final, with its stable code in the details. Unknown errors (bugs, cancellation) pass as they are.
 */
export function toFailure(error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return error;
  return ApplicationFailure.create({
    message: printable(error.message, failureMessageLimit),
    type: failureType(error.code),
    nonRetryable: error.code !== unavailableCode,
    details: [{ code: error.code }],
  });
}

/** Wraps every activity of a set with the mapping. */
export function guarded<A extends Record<string, (input: never) => Promise<unknown>>>(activities: A): A {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return await activity(input);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(entries) as A;
}
