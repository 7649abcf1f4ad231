import { rolloutWorkflowId, signals } from '../../plan/names.js';
import type { Kill } from '../faulty-proxy.js';
import { isOwn, type Place, placeName } from './calls.js';
import { type Expectation, violationsOf } from './invariants.js';
import type { Lane, LaneOptions, Meddler } from './lane.js';
import { referenceRun, type RunOptions } from './reference-run.js';

/** One run with faults. */
export interface Schedule {
  name: string;
  /** How many faults it injects. */
  faults: number;
  /** How its lane differs from the usual one. */
  lane?: Omit<LaneOptions, 'dist'>;
  /** Its lane is used once. Default false. */
  alone?: boolean;
  /** Runs it; says what does not hold. Throws when the run does not end. */
  run(lane: Lane): Promise<{ fired: number; violations: string[]; note?: string }>;
}

/** How a schedule went. */
export interface Result {
  name: string;
  faults: number;
  fired: number;
  /** The run ended, as it should or not. */
  finished: boolean;
  violations: string[];
  /** What it measured, for people. */
  note?: string;
  seconds: number;
}

let runs = 0;
/** A run key that no run of this process had. Its first training works until it is ended (`held`), or for ten seconds (`slow`). */
export function newSeed(kind: 'r' | 'held' | 'slow' = 'r'): string {
  return `${kind}${++runs}`;
}

export async function runSchedule(lane: Lane, schedule: Schedule): Promise<Result> {
  const { name, faults } = schedule;
  const before = Date.now();
  const seconds = () => Math.round((Date.now() - before) / 100) / 10;
  try {
    const ran = await schedule.run(lane);
    return { name, faults, finished: true, seconds: seconds(), ...ran };
  } catch (error) {
    const violations = [`final state: ${error instanceof Error ? error.message : String(error)}`];
    return { name, faults, fired: 0, finished: false, violations, seconds: seconds() };
  }
}

/** What happens in a run besides faults: it is promoted, or a person aborts its canary. */
export type Course = 'promoted' | 'rolled_back';

/** The worker is killed just before a call leaves, or when its answer has come and nobody knows of it. */
export function killAt(place: Place, when: Kill['when'], course: Course = 'promoted'): Schedule {
  return {
    name: `kill ${when} ${placeName(place)}${course === 'promoted' ? '' : ', rolling back'}`,
    faults: 1,
    async run(lane) {
      let fired = 0;
      const meddler: Meddler = ({ operation, nth }) => {
        if (fired > 0 || operation !== place.operation || nth !== place.nth) return 'pass';
        fired++;
        // A job's launcher is not the worker, and lives on.
        return { kill: lane.worker.kill, when, callerDies: isOwn(place) };
      };
      const violations = await violationsUnder(lane, onCourse(lane, course, meddler), { outcomes: [course] });
      return { fired, violations };
    },
  };
}

/** A meddler that also lets a person abort the canary, once it is judged for the first time. */
export function onCourse(lane: Lane, course: Course, meddler: Meddler): Meddler {
  let aborted = course === 'promoted';
  return (place, dependency, call) => {
    if (!aborted && place.operation === firstJudged) {
      aborted = true;
      const rollout = lane.client.temporal.workflow.getHandle(rolloutWorkflowId(lane.name, lane.name));
      void rollout.signal(signals.abort, { by: 'ada@example.com', reason: 'changed my mind' });
    }
    return meddler(place, dependency, call);
  };
}

/** The operation at which a canary of a rolled back course is aborted. */
export const firstJudged = 'prometheus POST query';

/** One run of the reference pipeline under a meddler, checked. */
export async function violationsUnder(
  lane: Lane,
  meddler?: Meddler,
  expected?: Expectation,
  o?: RunOptions,
): Promise<string[]> {
  lane.begin(meddler);
  return violationsOf(lane, await referenceRun(lane, newSeed(), o), expected);
}
