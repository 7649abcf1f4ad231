import type { Result } from '../faults/schedule.js';

/** What a campaign found; the last line of `--json`. */
export interface Summary {
  passed: number;
  failed: number;
  /** Pieces for which there was no time. */
  skipped: number;
  /** Faults that were to be injected, and those that were. */
  faults: number;
  fired: number;
  violations: number;
  ok: boolean;
}

const leastFired = 0.9;
/** So many faults may not happen in a short course, of which each is a large share. */
const fewMissed = 2;

/** Something ran, nothing is violated, every run ended, and nearly all faults really happened. */
export function summarise(results: readonly Result[], skipped: number): Summary {
  const sum = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0);
  const faults = sum((r) => r.faults);
  const fired = sum((r) => r.fired);
  const passed = results.filter((r) => r.finished && r.violations.length === 0).length;
  const enough = faults - fired <= fewMissed || fired >= leastFired * faults;
  const awake = faults === 0 || (fired > 0 && enough);
  const failed = results.length - passed + (awake ? 0 : 1);
  return {
    passed,
    failed,
    skipped,
    faults,
    fired,
    violations: sum((r) => r.violations.length),
    ok: failed === 0 && passed > 0,
  };
}
