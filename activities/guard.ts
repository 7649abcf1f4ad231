import { log } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { SlipwayError, printable } from '../plan/errors.js';
import { failureMessageLimit, failureType, unavailableCode } from '../plan/failures.js';
import { checkPayload } from '../plan/payload.js';
import { shortened } from '../plan/text-size.js';
import { factsOf } from './failed-job.js';

/** Causes of a failure that are looked at. */
const deepest = 10;

/**
 * Maps what an activity throws: an unavailable dependency is retried by Temporal, every other known failure is
 * final, with its stable code in the details. Unknown errors (bugs, cancellation) pass as they are, long texts cut.
 */
export function toFailure(error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return cut(error);
  return ApplicationFailure.create({
    message: failureText(error.message),
    type: failureType(error.code),
    nonRetryable: error.code !== unavailableCode,
    details: [{ code: error.code, ...factsOf(error) }],
  });
}

/** A failure's text as it travels: printable, at most 2 kB. What is left out stands in the worker's log. */
export function failureText(text: string): string {
  const clean = printable(text, Infinity);
  const short = shortened(clean, failureMessageLimit, "all of it in the worker's log");
  if (short !== clean) log.error('a failure too long for the history', { failure: clean });
  return short;
}

/** A failure and its causes are kept in every history that they meet: at most 2 kB of message and of stack each. */
function cut(error: unknown): unknown {
  for (let at = error, depth = 0; at instanceof Error && depth < deepest; at = at.cause, depth++) {
    if (at.message.length * 3 <= failureMessageLimit) continue;
    const message = failureText(at.message);
    if (message === at.message) continue;
    at.message = message;
    if (at.stack !== undefined) at.stack = shortened(at.stack, failureMessageLimit, "message in the worker's log");
  }
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
