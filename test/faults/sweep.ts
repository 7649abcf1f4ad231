import { type Place, placesOf } from './calls.js';
import type { Lane } from './lane.js';
import { referenceRun } from './reference-run.js';
import { type Course, firstJudged, killAt, newSeed, onCourse, type Schedule } from './schedule.js';

export interface Reference {
  /** All calls that left in one undisturbed run. */
  calls: number;
  /** Those that are places of their own: see `placesOf`. */
  places: Place[];
  /** Places after the abort of a canary. */
  rollback: Place[];
}

/** Runs the reference pipeline undisturbed, by a fresh worker (as after each kill), and lists its calls; then again with an abort. */
export async function measureReference(lane: Lane): Promise<Reference> {
  lane.begin();
  // The first model has no canary: it is the champion of all that follow.
  await referenceRun(lane, newSeed());
  const promoted = await operationsOf(lane, 'promoted');
  const aborted = await operationsOf(lane, 'rolled_back');
  const before = aborted.slice(0, aborted.indexOf(firstJudged) + 1);
  return {
    calls: promoted.length,
    places: placesOf(promoted, true),
    rollback: placesOf(aborted, true).slice(placesOf(before, true).length),
  };
}

async function operationsOf(lane: Lane, course: Course): Promise<readonly string[]> {
  await lane.worker.restart();
  lane.begin(onCourse(lane, course, () => 'pass'));
  await referenceRun(lane, newSeed());
  const operations = [...lane.called()];
  await lane.worker.restart();
  return operations;
}

/** The worker dies before and after each place, in the course that is promoted and in the one that is rolled back. */
export function sweepSchedules({ places, rollback }: Pick<Reference, 'places' | 'rollback'>): Schedule[] {
  const both = (course: Course) => (place: Place) => [killAt(place, 'before', course), killAt(place, 'after', course)];
  return [...places.flatMap(both('promoted')), ...rollback.flatMap(both('rolled_back'))];
}
