import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { down } from '../../stack/index.js';
import { isOwn, placeName } from './calls.js';
import { directedSchedules } from './directed.js';
import {
  catches,
  clearLanes,
  type Harness,
  inTurns,
  openHarness,
  runAll,
  runAlone,
  runSubmissions,
} from './harness.js';
import { type PlantedBug, plantedBugs } from './planted.js';
import { endAt, endedWorkers } from './ended-workers.js';
import { hungAtPlace, hungWorkers } from './hung-workers.js';
import { keptSeeds, randomSchedule } from './random.js';
import { restoredServers } from './restored.js';
import type { Result, Schedule } from './schedule.js';
import { slowSeed, slowTemporal } from './slow-temporal.js';
import { type Summary, summarise } from './summary.js';
import { type Reference, measureReference, sweepSchedules } from './sweep.js';

const usage =
  'npm run faults -- [--sweep] [--jobs] [--ends] [--hangs] [--places] [--seeds K [--from S]] [--only REGEXP] [--lanes N] [--json]';
const repository = resolve(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    sweep: { type: 'boolean', default: false },
    jobs: { type: 'boolean', default: false },
    ends: { type: 'boolean', default: false },
    hangs: { type: 'boolean', default: false },
    places: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '0' },
    from: { type: 'string' },
    only: { type: 'string', default: '' },
    lanes: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const asked = values.sweep || values.jobs || values.ends || values.hangs || values.places || values.seeds !== '0';

async function main(): Promise<number> {
  if (values.help || !asked) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const root = join(repository, '.slipway', 'faults');
  const harness = await openHarness(repository, root);
  try {
    const summary = await run(harness);
    say(
      values.json ? JSON.stringify(summary) : `${summary.ok ? 'holds' : 'DOES NOT HOLD'}: ${JSON.stringify(summary)}`,
    );
    return summary.ok ? 0 : 1;
  } finally {
    await clearLanes(root);
    await down({ root, onProgress: () => undefined });
  }
}

async function run(harness: Harness): Promise<Summary> {
  const first = await harness.openLane();
  const reference = await measureReference(first);
  say(`the reference run makes ${reference.calls} calls; ${reference.places.length} of them are places of their own`);
  say(`after the abort of a canary ${reference.rollback.length} places follow`);
  if (values.places) for (const place of reference.places) say(placeName(place));
  const schedules = schedulesOf(reference).filter(wanted);
  const lanes = Number(values.lanes);
  const results = await runAll(harness, schedules, { lanes, onResult: tell, first });
  if (values.sweep || values.jobs) results.push(...(await runSubmissions(harness, { lanes, onResult: tell, wanted })));
  if (!values.sweep) return summarise(results, []);
  await inTurns(directedSchedules.filter(wanted), lanes, async (schedule) => {
    const result = await runAlone(harness, schedule);
    results.push(result);
    tell(result);
  });
  // All lanes share the server: with an older one nobody else may run.
  await inTurns(restoredServers(harness.site.root).filter(wanted), 1, async (schedule) => {
    const result = await runAlone(harness, schedule);
    results.push(result);
    tell(result);
  });
  const caught: boolean[] = [];
  const plant = async (bug: PlantedBug) => {
    const answer = await catches(harness, bug);
    caught.push(answer.caught);
    say(`${answer.caught ? 'caught' : 'NOT CAUGHT'}  ${bug.name}: ${answer.result.violations.join('; ')}`);
  };
  const bugs = plantedBugs.filter(wanted);
  const inWorker = bugs.filter((b) => b.inAgent !== true);
  await inTurns(inWorker, lanes, plant);
  // All lanes share the agent: with a bug in it nobody else may run.
  await inTurns(
    bugs.filter((b) => b.inAgent === true),
    1,
    plant,
  );
  return summarise(results, caught);
}

/** All that may share lanes. */
function schedulesOf(reference: Reference): Schedule[] {
  return [
    ...(values.sweep ? [...endedWorkers, ...hungWorkers, slowTemporal(slowSeed)] : []),
    ...(values.sweep ? sweepSchedules(reference, true) : []),
    ...(values.ends ? reference.places.flatMap((place) => [endAt(place, 'before'), endAt(place, 'after')]) : []),
    ...(values.hangs ? reference.places.filter(isOwn).map((place) => hungAtPlace(place)) : []),
    ...seeds().map((seed) => randomSchedule(seed, reference.places)),
  ];
}

function seeds(): number[] {
  const count = Number(values.seeds);
  if (count === 0) return [];
  const from = values.from === undefined ? Date.now() % 1_000_000 : Number(values.from);
  say(`seeds ${from} to ${from + count - 1}; the same again: --seeds ${count} --from ${from}`);
  return [...keptSeeds, ...Array.from({ length: count }, (_, i) => from + i)];
}

function wanted({ name }: Pick<Schedule, 'name'>): boolean {
  return new RegExp(values.only).test(name);
}

function tell(result: Result | undefined): void {
  if (result === undefined) return;
  const state = result.violations.length > 0 ? 'VIOLATED' : result.fired < result.faults ? 'not fired' : 'holds';
  say(`${state.padEnd(9)} ${result.seconds.toFixed(1).padStart(6)} s  ${result.name}`);
  if (result.note !== undefined) say(`          ${result.note}`);
  for (const violation of result.violations) say(`          ${violation}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main();
