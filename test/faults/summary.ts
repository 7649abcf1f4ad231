import type { Result } from './schedule.js';

/** What a run of the harness found; the last line of `--json`. */
export interface Summary {
  /** Schedules. */
  points: number;
  /** Faults that were to be injected, and those that were. */
  faults: number;
  fired: number;
  /** Schedules whose run reached its end. */
  finished: number;
  violations: number;
  planted: number;
  plantedBugsCaught: number;
  ok: boolean;
}

const leastFired = 0.9;

/** Nothing is violated, every run ends, nearly all faults really happened, and every planted bug was seen. */
export function summarise(results: readonly Result[], caught: readonly boolean[]): Summary {
  const sum = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0);
  const faults = sum((r) => r.faults);
  const fired = sum((r) => r.fired);
  const finished = sum((r) => (r.finished ? 1 : 0));
  const violations = sum((r) => r.violations.length);
  const plantedBugsCaught = caught.filter(Boolean).length;
  const awake = fired >= leastFired * faults && plantedBugsCaught === caught.length;
  return {
    points: results.length,
    faults,
    fired,
    finished,
    violations,
    planted: caught.length,
    plantedBugsCaught,
    ok: awake && violations === 0 && finished === results.length,
  };
}
