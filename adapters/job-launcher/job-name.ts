import { SlipwayError } from '../../plan/errors.js';

/** The name of the job of a key (64 hex digits): the same key is the same name, so a service that keeps names apart starts one. */
export function nameOfKey(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError('an idempotency key is 64 lower-case hex digits');
  return `slipway-${key.slice(0, 32)}`;
}

/** How the key of a job of that name begins. */
export function keyOfName(name: string): string {
  return name.slice('slipway-'.length);
}

/**
 * Lets no other text into a path or a request.
 *
 * @param trainer who is asked, such as `Kubernetes`
 * @throws SlipwayError `E_TRAINER_JOB` for a name that `nameOfKey` never gave
 */
export function checkedName(name: string, trainer: string): string {
  if (/^slipway-[0-9a-f]{32}$/.test(name)) return name;
  throw new SlipwayError({
    code: 'E_TRAINER_JOB',
    where: name,
    message: `is no job of the ${trainer} trainer`,
    fix: 'Job ids are what `start` returned.',
  });
}
