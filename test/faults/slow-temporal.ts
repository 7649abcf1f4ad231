import type { Disturbance } from './tcp-proxy.js';
import { violationsOf } from './invariants.js';
import { generator } from './random-numbers.js';
import { referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';

/** Added each way. */
const usualLatencyMs = 300;
const resets = 0.01;

/** A run waits some hundred times for an answer, one after the other. */
export function patienceMs(latencyMs = usualLatencyMs): number {
  return 180_000 + 300 * latencyMs;
}

export function farAway(seed: number, latencyMs = usualLatencyMs): Disturbance {
  return { latencyMs, resets, random: generator(seed) };
}

/** So many pieces of data there are in any run. */
const surePieces = 150;

/** The first so many seeds from one on whose reset comes in any run. */
export function resettingSeeds(from: number, count: number): number[] {
  const seeds: number[] = [];
  for (let seed = from; seeds.length < count; seed++) {
    const random = generator(seed);
    if (Array.from({ length: surePieces }, random).some((value) => value < resets)) seeds.push(seed);
  }
  return seeds;
}

/** I-18: Temporal is far away, and connections to it break again and again. */
export function slowTemporal(seed: number, latencyMs: number): Schedule {
  return {
    name: `Temporal answers ${latencyMs} ms late each way, and one piece in ${1 / resets} resets its connection (${seed})`,
    faults: 1,
    async run(lane) {
      lane.begin();
      const done = lane.temporal.disturb(farAway(seed, latencyMs));
      try {
        const end = await referenceRun(lane, newSeed(), { limitMs: patienceMs(latencyMs) });
        lane.temporal.heal();
        const { pieces, resets: broken } = done();
        const violations = await violationsOf(lane, end);
        return { fired: broken > 0 ? 1 : 0, violations, note: `${broken} of ${pieces} pieces reset their connection` };
      } finally {
        lane.temporal.heal();
      }
    },
  };
}
