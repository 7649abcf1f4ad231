import { setTimeout as sleep } from 'node:timers/promises';
import type { Fate } from '../faulty-proxy.js';
import { isOwn, type Place, placeName } from './calls.js';
import { endFaults } from './ended-workers.js';
import { hungAtPlace } from './hung-workers.js';
import type { Lane, Meddler } from './lane.js';
import { generator } from './random-numbers.js';
import { type Schedule, violationsUnder } from './schedule.js';
import { farAway, patienceMs } from './slow-temporal.js';
import type { End } from './worker-process.js';

/** Seeds that once found something: they run first, always. */
export const keptSeeds: readonly number[] = [];

const stopMs = [6_000, 12_000];

interface Fault {
  name: string;
  place: Place;
  /** The dependency answers a request twice. */
  doubles?: boolean;
  strike(lane: Lane, ends: Promise<End>[]): Fate;
  /** How many calls of the same dependency after this one share its fate. Default 0. */
  more?: number;
}

/** One in so many seeds is a worker that hangs while another does its work, and nothing else. */
const hungSeeds = 6;

/** The faults that a seed draws, one to four, each at a place of the reference run. */
export function randomSchedule(seed: number, places: readonly Place[]): Schedule {
  const random = generator(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  if (random() < 1 / hungSeeds) return hungSeed(seed, pick(places.filter(isOwn)), random() < 0.5);
  const faults = Array.from({ length: 1 + Math.floor(random() * 4) }, () => draw(pick, places, seed));
  return {
    name: `seed ${seed}: ${faults.map((f) => f.name).join('; ')}`,
    faults: faults.length,
    async run(lane) {
      const fired = new Set<Fault>();
      const ends: Promise<End>[] = [];
      const left = new Map<string, { fault: Fault; times: number }>();
      const meddler: Meddler = ({ operation, nth }, dependency) => {
        const running = left.get(dependency);
        if (running !== undefined && running.times-- > 0) return running.fault.strike(lane, ends);
        const fault = faults.find((f) => !fired.has(f) && f.place.operation === operation && f.place.nth <= nth);
        if (fault === undefined) return 'pass';
        fired.add(fault);
        left.set(dependency, { fault, times: fault.more ?? 0 });
        return fault.strike(lane, ends);
      };
      const doubled = faults.some((f) => f.doubles);
      try {
        const violations = await violationsUnder(lane, meddler, { outcomes, doubled }, { limitMs: patienceMs() });
        return { fired: fired.size, violations: [...violations, ...(await faultsOf(ends))] };
      } finally {
        lane.temporal.heal();
      }
    },
  };
}

const outcomes = ['promoted', 'rolled_back'] as const;

function hungSeed(seed: number, place: Place, overtaken: boolean): Schedule {
  const { name, ...schedule } = hungAtPlace(place, { overtaken, outcomes });
  return { ...schedule, name: `seed ${seed}: ${name}` };
}

/** One that was killed while it ended, or asked to when it had only begun, could say nothing. */
async function faultsOf(ends: readonly Promise<End>[]): Promise<string[]> {
  const known = await Promise.all(ends.map((end) => end.catch(() => undefined)));
  return known.flatMap((end) => (end === undefined || end.signal !== null ? [] : endFaults(end)));
}

type Pick = <T>(of: readonly T[]) => T;

function draw(pick: Pick, places: readonly Place[], seed: number): Fault {
  const place = pick(places);
  const at = placeName(place);
  const own = isOwn(place);
  const kinds: Fault[] = [
    ...(['before', 'after'] as const).map((when): Fault => ({
      name: `kill ${when} ${at}`,
      place,
      strike: (lane) => ({ kill: lane.worker.kill, when, callerDies: own }),
    })),
    { name: `5xx from ${at}`, place, more: 2, strike: () => ({ status: 503, type: 'text/plain', body: 'busy' }) },
    { name: `answer lost of ${at}`, place, strike: () => 'reset-after' },
    { name: `error after the effect of ${at}`, place, doubles: true, strike: () => 'lose-answer' },
    { name: `doubled ${at}`, place, doubles: true, strike: () => 'twice' },
    { name: `cut off answer of ${at}`, place, strike: () => 'break-off' },
    { name: `slow ${at}`, place, strike: () => ({ delayMs: 2_000 }) },
    ...stopMs.map((ms): Fault => ({
      name: `worker stopped for ${ms} ms at ${at}`,
      place,
      strike: (lane) => stopFor(lane, ms),
    })),
    { name: `Temporal cut off at ${at}`, place, strike: cutTemporal },
    { name: `Temporal far away from ${at} on`, place, strike: (lane) => farTemporal(lane, seed) },
    { name: `SIGTERM at ${at}`, place, strike: endWorker },
  ];
  return pick(kinds);
}

/** The worker hangs for longer than its heartbeats allow, then goes on as if nothing had been. */
function stopFor(lane: Lane, ms: number): Fate {
  void lane.worker.pause(ms);
  return 'pass';
}

/** Until the run has ended. */
function farTemporal(lane: Lane, seed: number): Fate {
  lane.temporal.disturb(farAway(seed));
  return 'pass';
}

function endWorker(lane: Lane, ends: Promise<End>[]): Fate {
  const kill = () => void ends.push(handled(lane.worker.terminate()));
  return { kill, when: 'before', callerDies: false };
}

/** Awaited later. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function cutTemporal(lane: Lane): Fate {
  lane.temporal.cut();
  void sleep(2_000).then(() => lane.temporal.heal());
  return 'pass';
}
