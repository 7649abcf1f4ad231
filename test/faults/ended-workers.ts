import type { Kill } from '../faulty-proxy.js';
import { type Place, placeName } from './calls.js';
import { violationsOf } from './invariants.js';
import { referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';
import type { End } from './worker-process.js';

/** The worker is asked to end (SIGTERM) at a call, as when it is replaced by another version; it does so by itself, and nothing is lost. */
export function endAt(place: Place, when: Kill['when']): Schedule {
  return {
    name: `SIGTERM ${when} ${placeName(place)}`,
    faults: 1,
    async run(lane) {
      let fired = 0;
      let end: Promise<End> | undefined;
      lane.begin(({ operation, nth }) => {
        if (fired > 0 || operation !== place.operation || nth !== place.nth) return 'pass';
        fired++;
        const kill = () => {
          end = lane.worker.terminate();
          // Thrown below, once the run has ended.
          end.catch(() => undefined);
        };
        return { kill, when, callerDies: false };
      });
      const violations = await violationsOf(lane, await referenceRun(lane, newSeed()));
      const ended = await end;
      if (ended === undefined) return { fired, violations };
      return { fired, violations: [...violations, ...endFaults(ended)], note: `ended after ${ended.ms / 1_000} s` };
    },
  };
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
