import type { Cached } from '../activities/calls.js';
import { toldOf, type JobTold } from '../plan/job-told.js';
import type { CachedFrom } from '../plan/outputs.js';

/** An activity's answer, parted into the output, where it was taken from when an earlier result stood in, and what is told of its jobs. */
export function taken<O extends object>(
  answer: Cached<O>,
): { output: O; cached: CachedFrom | undefined; told: JobTold } {
  const { cached, cost, interruptions, resumedAt, ...output } = answer;
  return { output: output as unknown as O, cached, told: toldOf({ cost, interruptions, resumedAt }) };
}
