import { createHash } from 'node:crypto';

import type { JobOwner, JobSpec } from '../port.js';

/** Keys of the store, below which the adapter and the job's container write to each other. */
export function placesOf(name: string): { folder: string; state: string; owner: string; outputs: string; end: string } {
  const folder = `kubernetes/${name}/`;
  return {
    folder,
    /** What the launcher told last. */
    state: `${folder}state.json`,
    /** Uid of the one pod that may run; made once. */
    owner: `${folder}owner`,
    /** Where the job stores, as text. */
    outputs: `${folder}outputs`,
    /** That, and why, the job was ended from here; made once. */
    end: `${folder}end.json`,
  };
}

type Texts = Record<string, string>;

const domain = 'slipway.dev';
/** Of the container that runs the launcher. */
export const containerName = 'job';
/** The label by which a job's pods are found. */
export const jobLabel = `${domain}/job`;
export const keyAnnotation = `${domain}/key`;
/** On a Job that has a Secret of its own. */
export const secretAnnotation = `${domain}/secret`;

export function hasSecret(annotations: Texts): boolean {
  return annotations[secretAnnotation] === 'own';
}

/** Labels and annotations of everything that belongs to a job. Labels are cut to what Kubernetes allows, annotations are not. */
export function marksOf(
  name: string,
  key: string,
  job: JobSpec,
  environment: string,
): { labels: Texts; annotations: Texts } {
  const { run, stage, attempt } = job.identity;
  const owner = { environment, run, stage, attempt: String(attempt) };
  return {
    labels: { ...ownerLabels(owner), [jobLabel]: name },
    annotations: { ...qualified(owner), [keyAnnotation]: key },
  };
}

/** The labels that all jobs of an owner carry. */
export function ownerLabels(owner: JobOwner): Texts {
  const labels = Object.entries(qualified(owner)).map(([label, value]) => [label, labelValue(value)]);
  return { 'app.kubernetes.io/managed-by': 'slipway', ...(Object.fromEntries(labels) as Texts) };
}

/** Whose job it is, by its annotations. */
export function ownerOf(annotations: Texts): Required<JobOwner> & { attempt: number } {
  const said = (what: string): string => annotations[`${domain}/${what}`] ?? '';
  return { environment: said('environment'), run: said('run'), stage: said('stage'), attempt: Number(said('attempt')) };
}

function qualified(owner: JobOwner): Texts {
  return Object.fromEntries(Object.entries(owner).map(([what, value]) => [`${domain}/${what}`, value as string]));
}

/** At most 63 letters, digits, `_`, `.` and `-`; what had to be cut keeps apart by a digest. */
function labelValue(text: string): string {
  const legal = text.replaceAll(/[^A-Za-z0-9_.-]/g, '_').replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  if (legal.length <= 63 && legal !== '') return legal;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return legal === '' ? digest : `${legal.slice(0, 54).replace(/[^A-Za-z0-9]+$/, '')}-${digest}`;
}
