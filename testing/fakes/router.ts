import { createHash } from 'node:crypto';

import { routeSchema } from '../../adapters/router/agent/messages.js';
import type { Route, Router, RouteState } from '../../adapters/router/port.js';
import { accept, type Held, heldWeight, isDue, renewed } from '../../agents/router/lease.js';
import { SlipwayError } from '../../plan/errors.js';

export interface FakeRouter extends Router {
  /** Every weight that was in force, in order. */
  weights: { service: string; weight: number; epoch: number }[];
  /** Id of the endpoint that a user's request reaches. */
  reach(service: string, user: string): string;
}

/**
 * A router in memory, with the agent's own rules for leases.
 *
 * @param now milliseconds since the epoch, default the real clock
 */
export function fakeRouter(now: () => number = Date.now): FakeRouter {
  const services = new Map<string, Held>();
  const weights: FakeRouter['weights'] = [];
  const hold = (held: Held): Held => {
    const before = services.get(held.route.service);
    services.set(held.route.service, held);
    if (before === undefined || heldWeight(before) !== heldWeight(held)) {
      weights.push({ service: held.route.service, weight: heldWeight(held), epoch: held.route.epoch });
    }
    return held;
  };
  const heldNow = (service: string): Held | undefined => {
    const held = services.get(service);
    return held !== undefined && isDue(held, now()) ? hold({ ...held, expired: true }) : held;
  };
  const stateOf = (held: Held): RouteState => ({
    ...held.route,
    effectiveWeight: heldWeight(held),
    expired: held.expired,
  });

  return {
    weights,
    async apply(route) {
      return stateOf(hold(accept(heldNow(route.service), checked(route), now())));
    },
    async renew(service, epoch, expiresAt) {
      const held = heldNow(service);
      if (held === undefined)
        throw new SlipwayError({ code: 'E_NOT_FOUND', message: 'no such service', where: service });
      return stateOf(hold(renewed(held, epoch, expiresAt, now())));
    },
    async read(service) {
      const held = heldNow(service);
      return held && stateOf(held);
    },
    address: () => ({ host: '127.0.0.1', port: 1 }),
    labels: (endpoint) => ({ envoy_cluster_name: endpoint.id }),
    reach(service, user) {
      const held = heldNow(service);
      if (held === undefined) throw new Error(`nothing serves ${service}`);
      const place = createHash('sha256').update(user).digest().readUInt32BE() % 100;
      const { candidate, champion } = held.route;
      return candidate !== null && place < heldWeight(held) ? candidate.id : champion.id;
    },
  };
}

function checked(route: Route): Route {
  const result = routeSchema.safeParse(route);
  if (result.success) return result.data;
  throw new SlipwayError({
    code: 'E_ROUTE',
    message: result.error.issues[0]?.message ?? 'refused',
    where: route.service,
  });
}
