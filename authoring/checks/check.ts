import type { Fault } from '../../plan/errors.js';
import type { Schedule } from '../../plan/schedule.js';
import { formatPlace } from '../places.js';
import type { Place } from '../places.js';
import type { StageDraft } from '../recorder.js';

/** A recorded pipeline as checks see it. */
export interface Recorded {
  name: string;
  owner?: string;
  priority?: number;
  version?: string;
  /** Read and found right. */
  schedule?: Schedule;
  budget?: number;
  place: Place;
  stages: readonly StageDraft[];
}

/** Finds faults of a whole pipeline; faults of one stage's options are found when it is recorded. */
export type Check = (recorded: Recorded) => Fault[];

/** A fault at a place of the definition. */
export function faultAt(place: Place, code: string, message: string, fix?: string): Fault {
  const fault = { code, where: formatPlace(place), message };
  return fix === undefined ? fault : { ...fault, fix };
}
