import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { nearest, printable } from '../plan/errors.js';

/**
 * Takes every activity type that a worker has no code for. Trying again would meet the same worker, for days: it fails
 * at once, and says which types there are.
 */
export function unknownActivity(known: readonly string[]): () => Promise<never> {
  return () => {
    const { activityType, taskQueue } = activityInfo();
    const near = nearest(activityType, known);
    const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
    const message = `E_ACTIVITY_UNKNOWN ${printable(activityType, 60)}: no worker of queue \`${taskQueue}\` knows this activity type; known are ${known.join(', ')}${hint}`;
    throw ApplicationFailure.nonRetryable(message, 'ActivityUnknown', { code: 'E_ACTIVITY_UNKNOWN' });
  };
}
