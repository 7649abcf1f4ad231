import type { NativeConnection } from '@temporalio/worker';
import { SlipwayError, exitCodes, printable } from '../plan/errors.js';
import { isOurs } from './identity.js';

/** Temporal lists a poller for minutes after it went; one that lives asks at least once a minute. */
const freshMs = 75_000;
const queueTypes = [1, 2] as const;

/**
 * Refuses to poll a queue that another product polls: each would take the other's tasks and fail them.
 * Sees who polled within the last 75 s; another product that begins later is not seen. Throws `E_QUEUE_SHARED` (78).
 */
export async function checkQueues(
  connection: NativeConnection,
  namespace: string,
  queues: readonly string[],
): Promise<void> {
  const found = await Promise.all(queues.map((queue) => strangersOn(connection, namespace, queue)));
  const strangers = found.flat();
  if (strangers.length === 0) return;
  throw new SlipwayError(
    strangers.map(({ queue, identity }) => ({
      code: 'E_QUEUE_SHARED',
      where: `${namespace}/${queue}`,
      message: `a worker of another product polls this task queue: ${printable(identity)}`,
      fix: 'Give Slipway a namespace of its own (temporal.namespace of the environment), or end that worker and wait 75 s.',
    })),
    exitCodes.configuration,
  );
}

async function strangersOn(
  connection: NativeConnection,
  namespace: string,
  queue: string,
): Promise<{ queue: string; identity: string }[]> {
  const described = await Promise.all(
    queueTypes.map((taskQueueType) =>
      connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType }),
    ),
  );
  const pollers = described.flatMap((d) => d.pollers ?? []);
  const now = Date.now();
  const fresh = pollers.filter((p) => now - Number(p.lastAccessTime?.seconds ?? 0) * 1_000 < freshMs);
  const identities = new Set(fresh.map((p) => p.identity ?? ''));
  return [...identities].filter((identity) => !isOurs(identity)).map((identity) => ({ queue, identity }));
}
