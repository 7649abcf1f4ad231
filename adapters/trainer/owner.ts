import { z } from 'zod';

import type { JobOwner } from './port.js';

/** Whose a job is, as trainers write it down beside the job. */
export const ownerOfJob = z.object({ environment: z.string(), run: z.string(), stage: z.string(), attempt: z.int() });

/** Whether a job is one of those that are asked for: all that `owner` says is so of it. */
export function belongsTo(job: JobOwner, owner: JobOwner): boolean {
  return Object.entries(owner).every(([what, value]) => job[what as keyof JobOwner] === value);
}
