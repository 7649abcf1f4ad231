import { SlipwayError } from '../../../plan/errors.js';

/** A job as it is named outside: the key that addresses it, and the name that the service gave it. */
export interface JobHandle {
  key: string;
  job: string;
}

/** `<key>/<the service's name>`. */
export function formatHandle({ key, job }: JobHandle): string {
  return `${key}/${job}`;
}

/** Throws `E_TRAINER_JOB` for what `formatHandle` never gave. */
export function parseHandle(text: string): JobHandle {
  const [, key, job] = /^([0-9a-f]{64})\/([A-Za-z0-9][A-Za-z0-9._-]{0,127})$/.exec(text) ?? [];
  if (key !== undefined && job !== undefined) return { key, job };
  throw new SlipwayError({
    code: 'E_TRAINER_JOB',
    where: text,
    message: 'is no job of the HTTP trainer',
    fix: 'Job ids are what `start` returned.',
  });
}

/** Refuses what is no idempotency key, so that nothing else gets into a path. */
export function checkedKey(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError('an idempotency key is 64 lower-case hex digits');
  return key;
}
