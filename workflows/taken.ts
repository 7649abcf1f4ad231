import type { Cached } from '../activities/calls.js';
import type { Cost } from '../plan/cost.js';
import type { CachedFrom } from '../plan/outputs.js';

/**
 * An activity's answer, parted into the output, where it was taken from when an earlier result stood in, and what was
 * spent on it.
 */
export function taken<O extends object>(
  answer: Cached<O>,
): { output: O; cached: CachedFrom | undefined; cost: Cost | undefined } {
  const { cached, cost, ...output } = answer;
  return { output: output as unknown as O, cached, cost };
}
