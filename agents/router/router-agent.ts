import type { DataPlane, Split } from '../../adapters/router/data-plane.js';
import type { Route, RouteState } from '../../adapters/router/port.js';
import { canonicalJson } from '../../plan/json.js';
import { accept, type Held, heldWeight, isDue, renewed } from './lease.js';
import type { Change, Records } from './records.js';

const reconcileMs = 5_000;
/** Timers overflow beyond 24 days: longer waits are looked at again. */
const longestTimerMs = 3_600_000;

export interface RouterAgent {
  apply(route: Route): Promise<RouteState>;
  /** undefined: no such service. */
  renew(service: string, epoch: number, expiresAt: string): Promise<RouteState | undefined>;
  /** undefined: no such service. */
  read(service: string): Promise<RouteState | undefined>;
  /** Ends the timers and waits for the change at hand. */
  close(): Promise<void>;
}

export interface RouterAgentOptions {
  records: Records;
  dataPlane: DataPlane;
  /** Told of what fails without a caller: going home, putting back. */
  onError: (error: unknown) => void;
}

/**
 * Holds the leases of all services of one data plane. At the end of a lease, also one that ended while no agent ran,
 * it returns to the champion by itself. What it holds is put back when somebody else changed the data plane's files.
 */
export async function startRouterAgent(options: RouterAgentOptions): Promise<RouterAgent> {
  const { dataPlane } = options;
  const leases = await openLeases(options);
  const inTurn = oneAtATime();
  const inBackground = (work: () => Promise<void>) => void inTurn(work).catch(options.onError);
  const expiry = expiryTimer(() => inBackground(() => leases.goHome().finally(expiry.plan)), leases.nextEnd);

  inBackground(async () => {
    await leases.goHome();
    await leases.reconcile();
  });
  expiry.plan();
  const reconciling = setInterval(() => inBackground(leases.reconcile), reconcileMs);

  async function stateOf(held: Held): Promise<RouteState> {
    const weights = (await dataPlane.weights(held.route.service)) ?? {};
    const effectiveWeight = held.route.candidate === null ? 0 : (weights[held.route.candidate.id] ?? 0);
    return { ...held.route, effectiveWeight, expired: held.expired };
  }
  return {
    apply: (route) =>
      inTurn(async () => {
        const held = await leases.take(route).finally(expiry.plan);
        return stateOf(held);
      }),
    renew: (service, epoch, expiresAt) =>
      inTurn(async () => {
        const held = await leases.renew(service, epoch, expiresAt).finally(expiry.plan);
        return held && stateOf(held);
      }),
    read: async (service) => {
      const held = leases.get(service);
      return held && stateOf(held);
    },
    async close() {
      clearInterval(reconciling);
      expiry.stop();
      await inTurn(async () => undefined);
    },
  };
}

/** The leases themselves. Its calls must not overlap. */
async function openLeases({ records, dataPlane }: RouterAgentOptions) {
  const services = new Map<string, Held>((await records.load()).map((held) => [held.route.service, held]));
  const enforce = () => dataPlane.apply([...services.values()].map(splitOf));

  /** Durable before it is held: a restart finds what was decided. */
  async function hold(next: Held): Promise<void> {
    await records.save([...new Map(services).set(next.route.service, next).values()]);
    services.set(next.route.service, next);
  }
  return {
    get: (service: string) => services.get(service),
    /** Milliseconds since the epoch at which the next lease ends. */
    nextEnd: () => Math.min(...[...services.values()].map(endOf)),
    async take(route: Route): Promise<Held> {
      const before = services.get(route.service);
      const next = accept(before, route, Date.now());
      const record = async () => {
        await hold(next);
        if (before === undefined || moved(before, next)) await records.note(changeOf(next, 'applied'));
      };
      if (route.candidate !== null) {
        await record();
        await enforce();
        return next;
      }
      services.set(route.service, next);
      try {
        // Traffic first: a full disk must not keep users on the candidate.
        await enforce();
      } finally {
        await record();
      }
      return next;
    },
    async renew(service: string, epoch: number, expiresAt: string): Promise<Held | undefined> {
      const before = services.get(service);
      if (before === undefined) return undefined;
      const next = renewed(before, epoch, expiresAt, Date.now());
      if (next !== before) await hold(next);
      return next;
    },
    async goHome(): Promise<void> {
      const due = expiredOf([...services.values()], Date.now());
      if (due.length === 0) return;
      for (const held of due) services.set(held.route.service, held);
      try {
        // Traffic first: a full disk must not keep users on the candidate.
        await enforce();
      } finally {
        await records.save([...services.values()]);
        for (const held of due) await records.note(changeOf(held, 'expired'));
      }
    },
    async reconcile(): Promise<void> {
      const { changed } = await enforce();
      if (changed) for (const held of services.values()) await records.note(changeOf(held, 'corrected'));
    },
  };
}

/** Milliseconds since the epoch at which a lease ends; never, without a lease. */
function endOf({ route, expired }: Held): number {
  return expired || route.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(route.expiresAt);
}

/** Those whose lease ends now, as they are held from then on. */
function expiredOf(held: Held[], now: number): Held[] {
  return held.filter((h) => isDue(h, now)).map(({ route }) => ({ route, expired: true }));
}

function moved(before: Held, next: Held): boolean {
  return canonicalJson(splitOf(before)) !== canonicalJson(splitOf(next));
}

/** One change at a time: all services share the data plane's files. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Calls `onEnd` at the next end of a lease, as told by `nextEnd` each time it is planned anew. */
function expiryTimer(onEnd: () => void, nextEnd: () => number): { plan: () => void; stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearTimeout(timer);
  function plan(): void {
    stop();
    const end = nextEnd();
    if (end === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(Math.max(end - Date.now(), 0), longestTimerMs);
    timer = setTimeout(() => (Date.now() < end ? plan() : onEnd()), waitMs);
  }
  return { plan, stop };
}

function splitOf(held: Held): Split {
  const weight = heldWeight(held);
  const { service, champion, candidate } = held.route;
  return { service, champion, candidate, weight };
}

function changeOf(held: Held, cause: Change['cause']): Change {
  const { service, champion, candidate, epoch } = held.route;
  return { service, champion: champion.id, candidate: candidate?.id ?? null, weight: heldWeight(held), epoch, cause };
}
