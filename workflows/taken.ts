import type { Cached } from '../activities/calls.js';
import type { CachedFrom } from '../plan/outputs.js';

/** An activity's answer, parted into the output and where it was taken from when an earlier result stood in. */
export function taken<O extends object>(answer: Cached<O>): { output: O; cached: CachedFrom | undefined } {
  const { cached, ...output } = answer;
  return { output: output as unknown as O, cached };
}
