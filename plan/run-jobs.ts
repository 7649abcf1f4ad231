import { keys } from './names.js';

/** A job of a run, as the store lists it before it starts. */
export interface RunJob {
  stage: string;
  /** Element of an `each`; null outside of one. */
  item: number | null;
  /** Stage attempt, from 1. */
  attempt: number;
  /** Tells the jobs of one attempt apart: `candidate` and `champion` of an evaluation; `job` where there is one. */
  purpose: 'job' | 'candidate' | 'champion';
  /** Its idempotency key: what it leaves is below `keys.job(key)`. */
  key: string;
}

const form = /\/([a-z0-9-]+)\/(all|\d+)\/(\d+)-(job|candidate|champion)-([0-9a-f]{64})\.json$/;

/** How the listing calls a job whose key was made for a `purpose`. */
export function listedPurpose(purpose: string | undefined): RunJob['purpose'] {
  if (purpose === undefined) return 'job';
  return purpose === candidatePurpose ? 'candidate' : 'champion';
}

/** What the key of an evaluation of the candidate is made for. */
export const candidatePurpose = 'candidate';
/** The same of the champion, by its digest. */
export const championPurpose = (digest: string): string => `champion ${digest}`;

/** Where a job of a run is listed. The name says it all, so that nobody has to read ten thousand objects. `run`: SHA-256 of the workflow id. */
export function runJobKey(run: string, { stage, item, attempt, purpose, key }: RunJob): string {
  return `${keys.runJobs(run)}${stage}/${item ?? 'all'}/${attempt}-${purpose}-${key}.json`;
}

/** The job that is listed under a key; undefined for what is no such key. */
export function runJobOf(listed: string): RunJob | undefined {
  const [, stage, item, attempt, purpose, key] = form.exec(listed) ?? [];
  if (stage === undefined || key === undefined) return undefined;
  return {
    stage,
    item: item === 'all' ? null : Number(item),
    attempt: Number(attempt),
    purpose: purpose as RunJob['purpose'],
    key,
  };
}
