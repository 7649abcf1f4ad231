import { ApplicationFailure } from '@temporalio/common';
import { SlipwayError, printable } from '../plan/errors.js';
import { failureMessageLimit, failureType, unavailableCode } from '../plan/failures.js';
import { checkPayload } from './payload.js';

/**
 * Maps what an activity throws: an unavailable dependency is retried by Temporal, every other known failure is
 * final, with its stable code in the details. Unknown errors (bugs, cancellation) pass as they are, long texts cut.
 */
export function toFailure(error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return shortened(error);
  return ApplicationFailure.create({
    message: printable(error.message, failureMessageLimit),
    type: failureType(error.code),
    nonRetryable: error.code !== unavailableCode,
    details: [{ code: error.code }],
  });
}

/** A failure is kept in every history that it meets: at most 2 KB of message and of stack. */
function shortened(error: unknown): unknown {
  if (!(error instanceof Error) || error.message.length <= failureMessageLimit) return error;
  error.message = printable(error.message, failureMessageLimit);
  if (error.stack !== undefined) error.stack = error.stack.slice(0, failureMessageLimit);
  return error;
}

/** Wraps every activity of a set with the mapping, and with the limit of what may travel. */
export function guarded<A extends Record<string, (input: never) => Promise<unknown>>>(activities: A): A {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return travelling(name, await activity(input));
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(entries) as A;
}

/** Refuses a result that is too large for a history, before it is sent. */
function travelling<R>(activity: string, result: R): R {
  checkPayload(`the result of ${activity}`, result, 'keep large values in the store and pass where they are');
  return result;
}
