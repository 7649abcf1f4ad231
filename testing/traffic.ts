import type { Route } from '../adapters/router/port.js';
import { fakeRouter, type FakeRouter } from './fakes/router.js';

/** Percent of a service's traffic that the new version gets, from a time on (ISO 8601, the skipped clock). */
export interface TrafficChange {
  service: string;
  weight: number;
  at: string;
}

/**
 * A router in memory whose leases never end by themselves (its clock stands still, theirs does not skip), and what
 * share of the traffic the newest version had when.
 */
export function watchedRouter(o: {
  now: () => Promise<number>;
  /** Services that a champion serves when the run starts. */
  served: readonly string[];
  onWeight: (service: string, weight: number) => Promise<void>;
}): { router: FakeRouter; changes: TrafficChange[]; weightOf: (service: string) => number } {
  const router = fakeRouter(() => 0);
  const changes: TrafficChange[] = [];
  const newest = new Map<string, string>();
  const weightOf = (service: string) => changes.findLast((c) => c.service === service)?.weight ?? 0;
  const watched: FakeRouter = {
    ...router,
    async apply(route) {
      const state = await router.apply(route);
      const isFirst = !o.served.includes(route.service);
      const weight = shareOfNewest(route, newest.get(route.service), isFirst);
      if (route.candidate !== null) newest.set(route.service, route.candidate.id);
      if (weight === undefined || weight === weightOf(route.service)) return state;
      changes.push({ service: route.service, weight, at: new Date(await o.now()).toISOString() });
      await o.onWeight(route.service, weight);
      return state;
    },
  };
  return { router: watched, changes, weightOf };
}

/** `undefined`: the champion that serves already is confirmed. */
function shareOfNewest(route: Route, newest: string | undefined, isFirst: boolean): number | undefined {
  if (route.candidate !== null) return route.weight;
  if (newest === undefined) return isFirst ? 100 : undefined;
  return route.champion.id === newest ? 100 : 0;
}
