import { exitCodes, SlipwayError } from '../../plan/errors.js';
import type { Route } from '../../adapters/router/port.js';

/** What the agent holds for a service. `expired` stays set even if the clock goes back. */
export interface Held {
  route: Route;
  expired: boolean;
  /** The route went home after it had a candidate: a late message of the same epoch must neither bring that back nor another champion. */
  closed?: boolean | undefined;
}

/** True from the moment at which the held lease ends. */
export function isDue(held: Held, now: number): boolean {
  return !held.expired && held.route.expiresAt !== null && Date.parse(held.route.expiresAt) <= now;
}

/** Percent that the candidate should get now. */
export function heldWeight(held: Held): number {
  return held.expired || held.route.candidate === null ? 0 : held.route.weight;
}

/**
 * What is held once this route is accepted. Throws `E_EPOCH` for an older epoch, and for a lower weight of the candidate under the
 * same one or another champion after it went home: those are messages of an earlier step. `E_LEASE_EXPIRED` for a lease that has ended.
 */
export function accept(held: Held | undefined, route: Route, now: number): Held {
  if (held !== undefined && route.epoch < held.route.epoch)
    throw staleEpoch(route.service, route.epoch, held.route.epoch);
  const sameLease = held?.route.epoch === route.epoch;
  if (sameLease && held.closed === true && route.champion.id !== held.route.champion.id)
    throw lateHome(route, held.route);
  // Going home is always possible; a lease once lost is not taken up again under its epoch.
  if (route.candidate !== null && sameLease && (held.expired || held.closed === true))
    throw leaseExpired(route.service, held.route);
  if (sameLease && route.candidate !== null && route.candidate.id === held.route.candidate?.id) {
    if (route.weight < held.route.weight) throw lateWeight(route, held.route);
  }
  if (route.expiresAt !== null && Date.parse(route.expiresAt) <= now) throw leaseExpired(route.service, route);
  const closed = sameLease && route.candidate === null && (held.route.candidate !== null || held.closed === true);
  return { route, expired: false, ...(closed && { closed }) };
}

/** What is held once the lease is renewed. Never moves an expiry back: a delayed message must not shorten a lease. */
export function renewed(held: Held, epoch: number, expiresAt: string, now: number): Held {
  const { route } = held;
  if (epoch !== route.epoch) throw staleEpoch(route.service, epoch, route.epoch);
  if (held.expired) throw leaseExpired(route.service, route);
  if (route.expiresAt === null) return held;
  if (Date.parse(expiresAt) <= now) throw leaseExpired(route.service, { epoch, expiresAt });
  return Date.parse(expiresAt) > Date.parse(route.expiresAt) ? { ...held, route: { ...route, expiresAt } } : held;
}

function staleEpoch(service: string, given: number, held: number): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_EPOCH',
      message: `epoch ${given} was given, epoch ${held} holds the service`,
      where: service,
      fix: 'another rollout took over: leave the traffic to it',
    },
    exitCodes.data,
  );
}

function lateWeight(given: Route, held: Route): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_EPOCH',
      message: `${given.weight} % was given under epoch ${given.epoch}, which holds ${held.weight} % by now`,
      where: given.service,
      fix: 'a weight only grows: go home to the champion, or begin again with a higher epoch',
    },
    exitCodes.data,
  );
}

function lateHome(given: Route, held: Route): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_EPOCH',
      message: `${given.champion.id} was given under epoch ${given.epoch}, which ended with all traffic on ${held.champion.id}`,
      where: given.service,
      fix: 'leave the traffic to it, or begin again with a higher epoch',
    },
    exitCodes.data,
  );
}

function leaseExpired(service: string, lease: Pick<Route, 'epoch' | 'expiresAt'>): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_LEASE_EXPIRED',
      message: `the lease of epoch ${lease.epoch} ended at ${lease.expiresAt}: the champion serves alone`,
      where: service,
      fix: 'roll back, or begin again with a higher epoch',
    },
    exitCodes.data,
  );
}
