import { isOwn } from '../faults/calls.js';
import { blackHole } from '../faults/black-holes.js';
import { directedSchedules } from '../faults/directed.js';
import { endAt } from '../faults/ended-workers.js';
import { runPlanted, runUnrecorded } from '../faults/harness.js';
import { hungAtPlace, hungWorkers } from '../faults/hung-workers.js';
import { lostJob } from '../faults/lost-jobs.js';
import { plantedBugs } from '../faults/planted.js';
import { keptSeeds, randomSchedule } from '../faults/random.js';
import { restoredServers } from '../faults/restored.js';
import type { Schedule } from '../faults/schedule.js';
import { resettingSeeds, slowTemporal } from '../faults/slow-temporal.js';
import { busyStore } from '../faults/store-bursts.js';
import { submissions, unrecorded } from '../faults/submissions.js';
import { sweepSchedules } from '../faults/sweep.js';
import { generator } from '../faults/random-numbers.js';
import type { Given, Piece } from './campaign.js';
import type { Site } from './site.js';

/** On two processors, with as many others beside it as usual: a run, and with it the opening of a lane. */
const runSeconds = 25;
const laneSeconds = 25;

/** How many pieces a campaign makes at once that could make any number. */
const drawnAtOnce = 25;

function pieceOf(site: Site, schedule: Schedule, seconds = runSeconds): Piece {
  return {
    name: schedule.name,
    seconds: seconds + (schedule.alone === true ? laneSeconds : 0),
    run: async () => (await site.harness()).lanes.run(schedule),
  };
}

export async function sweep({ site }: Given): Promise<Piece[]> {
  const points = sweepSchedules(await site.reference());
  return [...directedSchedules, ...points].map((schedule) => pieceOf(site, schedule));
}

export async function seeds({ site, seed, round }: Given): Promise<Piece[]> {
  const { places } = await site.reference();
  const drawn = Array.from({ length: drawnAtOnce }, (_, i) => seed + round * drawnAtOnce + i);
  return [...(round === 0 ? keptSeeds : []), ...drawn].map((one) =>
    pieceOf(site, randomSchedule(one, places), 1.5 * runSeconds),
  );
}

export async function gracefulEnds({ site }: Given): Promise<Piece[]> {
  const { places } = await site.reference();
  return places
    .flatMap((place) => [endAt(place, 'before'), endAt(place, 'after')])
    .map((schedule) => pieceOf(site, schedule));
}

/** One for each kind of effect, then each place, in one run and for two. */
export async function hangs({ site }: Given): Promise<Piece[]> {
  const places = (await site.reference()).places.filter(isOwn);
  const atPlaces = places.flatMap((place) => [hungAtPlace(place), hungAtPlace(place, { overtaken: true })]);
  return [lostJob, ...hungWorkers, ...atPlaces].map((schedule) => pieceOf(site, schedule, 2 * runSeconds));
}

export function jobs({ site }: Given): Piece[] {
  const last: Piece = {
    name: unrecorded.name,
    seconds: runSeconds + laneSeconds,
    run: async () => {
      const { harness, lanes } = await site.harness();
      return runUnrecorded(harness, lanes);
    },
  };
  // One of them opens the lane, in which a service of jobs starts too.
  return [...submissions.map((schedule) => pieceOf(site, schedule, runSeconds + laneSeconds)), last];
}

export function slow({ site, seed, round, numbers }: Given): Piece[] {
  const { latency = 0 } = numbers;
  const seconds = runSeconds + latency / 5;
  const drawn = resettingSeeds(seed, (round + 1) * drawnAtOnce).slice(-drawnAtOnce);
  return drawn.map((one) => pieceOf(site, slowTemporal(one, latency), seconds));
}

/** All lanes share the server: with an older one nobody else may run. */
export function restored({ site }: Given): Piece[] {
  return restoredServers(site.root).map((schedule) => ({
    ...pieceOf(site, { ...schedule, alone: true }),
    alone: true,
  }));
}

export function planted({ site }: Given): Piece[] {
  return plantedBugs.map((bug) => ({
    name: `planted bug: ${bug.name}`,
    seconds: runSeconds + laneSeconds,
    // All lanes share the agent: with a bug in it nobody else may run.
    alone: bug.inAgent === true,
    run: async () => {
      const { harness, lanes } = await site.harness();
      return runPlanted(harness, lanes, bug);
    },
  }));
}

/** The store is busy from a place on. */
export async function storeBursts({ site, seed, round, numbers }: Given): Promise<Piece[]> {
  const { seconds = 0 } = numbers;
  const places = (await site.reference()).places.filter(({ operation }) => operation.startsWith('s3 '));
  const random = generator(seed + round);
  return Array.from({ length: drawnAtOnce }, () => places[Math.floor(random() * places.length)])
    .flatMap((place) => place ?? [])
    .map((place) => pieceOf(site, busyStore(place, seconds), runSeconds + 2 * seconds));
}

/** From each place on, that which it asks answers nobody; and once for Temporal. */
export async function blackHoles({ site, numbers }: Given): Promise<Piece[]> {
  const { seconds = 0 } = numbers;
  const places = (await site.reference()).places.filter(isOwn);
  return places.map((place) => pieceOf(site, blackHole(place, seconds), runSeconds + 3 * seconds));
}
