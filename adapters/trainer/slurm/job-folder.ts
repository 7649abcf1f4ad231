import { SlipwayError } from '../../../plan/errors.js';

const keyForm = /^[0-9a-f]{64}$/;
const jobForm = /^[0-9a-f]{32}$/;

/** A job as everybody knows it: folder on the shared file system, and name in Slurm. Both follow from its key. */
export interface JobFolder {
  /** The job's id: the first half of its key. */
  job: string;
  /** Absolute path on the shared file system. */
  folder: string;
  /** Slurm's job name, by which a job is found whose submission's answer was lost. */
  name: string;
}

/** The job of a key (64 hex digits). */
export function jobOfKey(directory: string, key: string): JobFolder {
  if (!keyForm.test(key)) throw new TypeError('an idempotency key is 64 lower-case hex digits');
  return jobOfId(directory, key.slice(0, 32));
}

/** The job of an id; `E_TRAINER_JOB` for what is none, so that no id leads out of the directory or into a script. */
export function jobOfId(directory: string, job: string): JobFolder {
  if (jobForm.test(job)) return { job, folder: `${directory}/${job}`, name: `slipway-${job}` };
  throw new SlipwayError({
    code: 'E_TRAINER_JOB',
    where: job,
    message: 'is no job of the Slurm trainer',
    fix: 'Job ids are the 32 hex digits that `start` returned.',
  });
}
