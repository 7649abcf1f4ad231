import { setTimeout as sleep } from 'node:timers/promises';
import type { Fate } from '../faulty-proxy.js';
import { type Place, placeName } from './calls.js';
import type { Lane, Meddler } from './lane.js';
import { type Schedule, violationsUnder } from './schedule.js';

/** Seeds that once found something: they run first, always. */
export const keptSeeds: readonly number[] = [];

const stopMs = [6_000, 12_000];

interface Fault {
  name: string;
  place: Place;
  /** The dependency answers a request twice. */
  doubles?: boolean;
  strike(lane: Lane): Fate;
  /** How many calls of the same dependency after this one share its fate. Default 0. */
  more?: number;
}

/** The faults that a seed draws, one to four, each at a place of the reference run. */
export function randomSchedule(seed: number, places: readonly Place[]): Schedule {
  const random = generator(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const faults = Array.from({ length: 1 + Math.floor(random() * 4) }, () => draw(pick, places));
  return {
    name: `seed ${seed}: ${faults.map((f) => f.name).join('; ')}`,
    faults: faults.length,
    async run(lane) {
      const fired = new Set<Fault>();
      const left = new Map<string, { fault: Fault; times: number }>();
      const meddler: Meddler = ({ operation, nth }, dependency) => {
        const running = left.get(dependency);
        if (running !== undefined && running.times-- > 0) return running.fault.strike(lane);
        const fault = faults.find((f) => !fired.has(f) && f.place.operation === operation && f.place.nth <= nth);
        if (fault === undefined) return 'pass';
        fired.add(fault);
        left.set(dependency, { fault, times: fault.more ?? 0 });
        return fault.strike(lane);
      };
      const doubled = faults.some((f) => f.doubles);
      const violations = await violationsUnder(lane, meddler, { outcomes: ['promoted', 'rolled_back'], doubled });
      return { fired: fired.size, violations };
    },
  };
}

type Pick = <T>(of: readonly T[]) => T;

function draw(pick: Pick, places: readonly Place[]): Fault {
  const place = pick(places);
  const at = placeName(place);
  const own = !place.operation.startsWith('job ');
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
  ];
  return pick(kinds);
}

/** The worker hangs for longer than its heartbeats allow, then goes on as if nothing had been. */
function stopFor(lane: Lane, ms: number): Fate {
  void lane.worker.pause(ms);
  return 'pass';
}

function cutTemporal(lane: Lane): Fate {
  lane.temporal.cut();
  void sleep(2_000).then(() => lane.temporal.heal());
  return 'pass';
}

/** Mulberry32: the same numbers for the same seed, everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
