import type { Disturbance } from './tcp-proxy.js';
import { violationsOf } from './invariants.js';
import { generator } from './random-numbers.js';
import { referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';

/** Added each way; `SLIPWAY_FAULTS_LATENCY_MS=2000` is what the terms of the faults say. */
const latencyMs = Number(process.env['SLIPWAY_FAULTS_LATENCY_MS'] ?? 300);
const resets = 0.01;
/** A run waits some hundred times for an answer, one after the other. */
export const patienceMs = 180_000 + 300 * latencyMs;

/** With it the first reset comes at the 60th piece. */
export const slowSeed = 12;

export function farAway(seed: number): Disturbance {
  return { latencyMs, resets, random: generator(seed) };
}

/** I-18: Temporal is far away, and connections to it break again and again. */
export function slowTemporal(seed: number): Schedule {
  return {
    name: `Temporal answers ${latencyMs} ms late each way, and one piece in ${1 / resets} resets its connection (${seed})`,
    faults: 1,
    async run(lane) {
      lane.begin();
      const done = lane.temporal.disturb(farAway(seed));
      try {
        const end = await referenceRun(lane, newSeed(), { limitMs: patienceMs });
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
