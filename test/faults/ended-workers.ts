import { shutdown } from '../../workers/workers.js';
import { bestOf } from '../best-of.js';
import type { Kill } from '../faulty-proxy.js';
import { type Place, placeName } from './calls.js';
import { violationsOf } from './invariants.js';
import type { Lane } from './lane.js';
import { referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';
import type { End } from './worker-process.js';

/** The worker is asked to end (SIGTERM) at a call, as when it is replaced by another version; it does so by itself, and nothing is lost. */
export function endAt(place: Place, when: Kill['when']): Schedule {
  return {
    name: `SIGTERM ${when} ${placeName(place)}`,
    faults: 1,
    async run(lane) {
      let fired = 1;
      const violations: string[] = [];
      const ms = await bestOf(3, endLimitMs, async () => {
        const tried = await endOnce(lane, place, when);
        violations.push(...tried.violations);
        if (tried.ended !== undefined) return tried.ended.ms;
        fired = 0;
        return 0;
      });
      if (ms > endLimitMs) violations.push(`I-08: the worker ended after ${ms} ms, at most ${endLimitMs} are allowed`);
      return { fired, violations, note: `ended after ${ms / 1_000} s` };
    },
  };
}

/** I-08: how long a worker may take to end. */
const endLimitMs = shutdown.shutdownGraceTime + 2_000;

/** One run in which the worker is asked to end at the call. `ended` is absent when the call never came. */
async function endOnce(lane: Lane, place: Place, when: Kill['when']): Promise<{ ended?: End; violations: string[] }> {
  let end: Promise<End> | undefined;
  lane.begin(({ operation, nth }) => {
    if (end !== undefined || operation !== place.operation || nth !== place.nth) return 'pass';
    const kill = () => {
      end = lane.worker.terminate();
      // Thrown below, once the run has ended.
      end.catch(() => undefined);
    };
    return { kill, when, callerDies: false };
  });
  const violations = await violationsOf(lane, await referenceRun(lane, newSeed()));
  const ended = await end;
  return ended === undefined ? { violations } : { ended, violations: [...violations, ...endFaults(ended)] };
}

/** I-08: a worker that is asked to end says that it did what it should. */
export function endFaults({ code, signal }: End): string[] {
  return code === 0 ? [] : [`I-08: the worker ended with code ${code}, signal ${signal}`];
}

/** In each long work, and in each effect that must be made once. */
export const endedWorkers: readonly Schedule[] = [
  endAt({ operation: 'job PUT jobs/*/model/model.safetensors', nth: 1 }, 'before'),
  endAt({ operation: 'mlflow POST model-versions/create', nth: 1 }, 'before'),
  endAt({ operation: 'prometheus POST query', nth: 1 }, 'after'),
  endAt({ operation: 'mlflow POST registered-models/alias', nth: 3 }, 'after'),
];
