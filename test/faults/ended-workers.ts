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

/** The grace that a worker gives what it does, and 2 s. */
const endsWithinMs = 12_000;

/** I-08: a worker that is asked to end says that it did what it should, and does not keep anybody waiting. */
export function endFaults({ code, signal, ms }: End): string[] {
  if (code !== 0) return [`I-08: the worker ended with code ${code}, signal ${signal}`];
  return ms <= endsWithinMs ? [] : [`I-08: the worker ended ${ms} ms after it was asked to`];
}
