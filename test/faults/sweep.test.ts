import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../stack-fixture.js';
import { directedSchedules } from './directed.js';
import { endedWorkers } from './ended-workers.js';
import { catches, type Harness, inTurns, openHarness, runAll, runAlone, runSubmissions } from './harness.js';
import { hungWorkers } from './hung-workers.js';
import { type PlantedBug, plantedBugs } from './planted.js';
import { restoredServers } from './restored.js';
import type { Result } from './schedule.js';
import { slowSeed, slowTemporal } from './slow-temporal.js';
import { summarise } from './summary.js';
import { measureReference, sweepSchedules } from './sweep.js';

const lanes = 5;
/** Each day another third of the short sweep; `SLIPWAY_FAULTS=all` runs all of the whole one, as `npm run faults -- --sweep` does. */
const thirds = 3;
const day = Math.floor(Date.now() / 86_400_000);
const all = process.env['SLIPWAY_FAULTS'] === 'all';
const limitMs = 1_800_000;

let harness: Harness;
beforeAll(async () => {
  harness = await openHarness(resolve(import.meta.dirname, '../..'), projectRoot);
}, limitMs);

describe('a worker that dies at a call and is started again', () => {
  test(
    'finishes its run as if nothing had been',
    async () => {
      const first = await harness.openLane();
      const reference = await measureReference(first);
      expect(reference.places.length).toBeGreaterThan(40);
      expect(reference.rollback.length).toBeGreaterThan(5);
      const points = sweepSchedules(reference, all);
      const schedules = all ? points : points.filter((_, i) => i % thirds === day % thirds);
      console.log(`${schedules.length} of ${points.length} points, third ${day % thirds}`);
      const results = await runAll(harness, schedules, { lanes, first, onResult: () => undefined });
      expect(violated(results)).toEqual([]);
      expect(summarise(results, [])).toMatchObject({ ok: true, points: schedules.length, finished: schedules.length });
    },
    all ? 2 * limitMs : limitMs,
  );
});

test(
  'workers that hang while others do their work, workers that are asked to end, and a server far away do no harm',
  async () => {
    const schedules = [slowTemporal(slowSeed), ...hungWorkers, ...endedWorkers];
    const results = await runAll(harness, schedules, { lanes, onResult: told });
    expect(violated(results)).toEqual([]);
    expect(summarise(results, [])).toMatchObject({ ok: true, fired: schedules.length });
  },
  limitMs,
);

test(
  'a worker that dies around the submission or the stop of a job leaves one job, none beside another, and none of a cancelled run',
  async () => {
    const results = await runSubmissions(harness, { lanes: 3, onResult: told });
    expect(violated(results)).toEqual([]);
    expect(summarise(results, [])).toMatchObject({ ok: true, fired: 7 });
  },
  limitMs,
);

test(
  'changed bytes, doubled approvals, late messages and a worker that never returns do no harm',
  async () => {
    const results: Result[] = [];
    await inTurns(directedSchedules, lanes, async (schedule) => {
      results.push(await runAlone(harness, schedule));
    });
    expect(violated(results)).toEqual([]);
    expect(summarise(results, [])).toMatchObject({ ok: true, fired: directedSchedules.length });
  },
  limitMs,
);

test(
  'a server that is restored from an older copy starts no second job, registers no second version, and takes no weight back',
  async () => {
    const schedules = restoredServers(harness.site.root).filter((_, i) => all || i === day % thirds);
    const results: Result[] = [];
    await inTurns(schedules, 1, async (schedule) => {
      results.push(await runAlone(harness, schedule));
    });
    expect(violated(results)).toEqual([]);
    expect(summarise(results, [])).toMatchObject({ ok: true, fired: schedules.length });
  },
  limitMs,
);

test(
  'the checkers see every planted bug',
  async () => {
    const seen: Record<string, boolean> = {};
    const plant = async (bug: PlantedBug) => {
      seen[bug.name] = (await catches(harness, bug)).caught;
    };
    const inAgent = plantedBugs.filter((b) => b.inAgent === true);
    await inTurns(
      plantedBugs.filter((b) => b.inAgent !== true),
      lanes,
      plant,
    );
    // All lanes share the agent: with a bug in it nobody else may run.
    await inTurns(inAgent, 1, plant);
    expect(seen).toEqual(Object.fromEntries(plantedBugs.map((b) => [b.name, true])));
  },
  limitMs,
);

function told({ name, seconds, note }: Result): void {
  console.log(`${seconds} s, ${name}: ${note ?? ''}`);
}

function violated(results: readonly Result[]): Pick<Result, 'name' | 'violations'>[] {
  return results.filter((r) => r.violations.length > 0).map(({ name, violations }) => ({ name, violations }));
}
