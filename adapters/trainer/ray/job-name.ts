import { SlipwayError } from '../../../plan/errors.js';

const prefix = 'slipway-';

/** The `submission_id` of a key: the same key is the same job, and nothing else gets into a path. */
export function jobName(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError('an idempotency key is 64 lower-case hex digits');
  return prefix + key;
}

/** Whether `jobName` may have given it. */
export function isJob(job: string): boolean {
  return /^slipway-[0-9a-f]{64}$/.test(job);
}

/** The key of a job; `E_TRAINER_JOB` for what `jobName` never gave. */
export function keyOf(job: string): string {
  if (isJob(job)) return job.slice(prefix.length);
  throw new SlipwayError({
    code: 'E_TRAINER_JOB',
    where: job,
    message: 'is no job of the Ray trainer',
    fix: 'Job ids are what `start` returned.',
  });
}
