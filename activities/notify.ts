import type { RunEvent } from '../plan/messages.js';
import type { ActivityContext } from './context.js';
import { digestOf } from './digest.js';

/** Tells every notifier of the environment; the same event has the same key. */
export async function notify(context: ActivityContext, event: RunEvent): Promise<void> {
  const { ports } = await context.environment(event.environment);
  const key = digestOf([event.workflowId, event.kind, event.stage]);
  const results = await Promise.allSettled(ports.notifiers.map((n) => n.send(event, key)));
  const failed = results.find((r) => r.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
