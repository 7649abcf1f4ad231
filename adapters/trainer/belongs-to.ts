import type { JobOwner } from './port.js';

/** Whether a job is one of those that are asked for: all that `owner` says is so of it. */
export function belongsTo(job: JobOwner, owner: JobOwner): boolean {
  return Object.entries(owner).every(([what, value]) => job[what as keyof JobOwner] === value);
}
