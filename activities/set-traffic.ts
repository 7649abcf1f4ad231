import type { Endpoint } from '../plan/outputs.js';
import type { RouteState } from '../adapters/router/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { unavailableCode } from '../plan/failures.js';
import type { ActivityContext } from './context.js';

export interface SetTrafficInput {
  environment: string;
  service: string;
  champion: Endpoint;
  candidate: Endpoint | null;
  weight: number;
  epoch: number;
  leaseTtlMs: number;
}

/** Sets the weights and reads them back: what the router says decides, not what was sent. */
export async function setTraffic(context: ActivityContext, input: SetTrafficInput): Promise<RouteState> {
  const { ports } = await context.environment(input.environment);
  const { service, champion, candidate, weight, epoch } = input;
  const expiresAt = candidate === null ? null : new Date(Date.now() + input.leaseTtlMs).toISOString();
  await ports.router.apply({ service, champion, candidate, weight, epoch, expiresAt });
  const state = await ports.router.read(service);
  if (state?.champion.id !== champion.id || state.effectiveWeight !== weight || state.epoch !== epoch) {
    throw new SlipwayError(
      {
        code: unavailableCode,
        where: service,
        message: `the router says weight ${state?.effectiveWeight ?? 'unknown'} under epoch ${state?.epoch ?? 'unknown'}, ${weight} under ${epoch} was set`,
        fix: 'it is set again',
      },
      exitCodes.temporary,
    );
  }
  return state;
}
