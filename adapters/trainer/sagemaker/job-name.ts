import { SlipwayError } from '../../../plan/errors.js';

/** The name of the training job of a key (64 hex digits): the same key is the same name, so SageMaker starts one. */
export function nameOfKey(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError('an idempotency key is 64 lower-case hex digits');
  return `slipway-${key.slice(0, 32)}`;
}

/** Throws `E_TRAINER_JOB` for a name that `nameOfKey` never gave. */
export function checkedName(name: string): string {
  if (/^slipway-[0-9a-f]{32}$/.test(name)) return name;
  throw new SlipwayError({
    code: 'E_TRAINER_JOB',
    where: name,
    message: 'is no job of the SageMaker trainer',
    fix: 'Job ids are what `start` returned.',
  });
}

/** How the key of a job of that name begins. */
export function keyOfName(name: string): string {
  return name.slice('slipway-'.length);
}

/** Keys of the store, below which the adapter and the job's container write to each other. */
export function placesOf(name: string): { channel: string; document: string; state: string; artifacts: string } {
  const folder = `sagemaker/${name}/`;
  return {
    channel: `${folder}channel/`,
    document: `${folder}channel/job.json`,
    state: `${folder}state.json`,
    artifacts: `${folder}artifacts/`,
  };
}
