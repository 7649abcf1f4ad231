import { sleep } from '@temporalio/activity';
import type { Endpoint } from '../plan/outputs.js';
import type { ActivityContext } from './context.js';

/** Requests that were on their way when traffic moved get this long to end. */
const drainMs = 2_000;

/** Ends the server of a version that no route names any more; a version that still serves is left alone. */
export async function unloadVersion(
  context: ActivityContext,
  input: { environment: string; endpoint: Endpoint },
): Promise<void> {
  const { ports } = await context.environment(input.environment);
  await sleep(drainMs);
  const route = await ports.router.read(input.endpoint.service);
  if (route?.champion.id === input.endpoint.id || route?.candidate?.id === input.endpoint.id) return;
  await ports.serving.unload(input.endpoint);
}
