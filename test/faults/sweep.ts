import { type Place, placesOf } from './calls.js';
import type { Lane } from './lane.js';
import { referenceRun } from './reference-run.js';
import { killAt, newSeed, type Schedule } from './schedule.js';

export interface Reference {
  /** All calls that left in one undisturbed run. */
  calls: number;
  /** Those that are places of their own: see `placesOf`. */
  places: Place[];
}

/** Runs the reference pipeline undisturbed, by a fresh worker (as after each kill), and lists its calls. */
export async function measureReference(lane: Lane): Promise<Reference> {
  lane.begin();
  // The first model has no canary: it is the champion of all that follow.
  await referenceRun(lane, newSeed());
  await lane.worker.restart();
  lane.begin();
  await referenceRun(lane, newSeed());
  const operations = [...lane.called()];
  await lane.worker.restart();
  return { calls: placesOf(operations, false).length, places: placesOf(operations, true) };
}

/** A question changes nothing outside: killed after its answer is the same as killed before it. */
export function isQuestion({ operation }: Place): boolean {
  return /^\S+ (GET|HEAD|LIST) |runs\/search$|^prometheus /.test(operation);
}

/** Each place, before and after; without `all`, questions before only. */
export function sweepSchedules(places: readonly Place[], all: boolean): Schedule[] {
  return places.flatMap((place) =>
    all || !isQuestion(place) ? [killAt(place, 'before'), killAt(place, 'after')] : [killAt(place, 'before')],
  );
}
