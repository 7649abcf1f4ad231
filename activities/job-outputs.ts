import type { JobManifest, JobSpec } from '../adapters/trainer/port.js';
import { SlipwayError } from '../plan/errors.js';

/** Faults that are told at once. */
const mostFaults = 5;

/**
 * Refuses a manifest that names files outside of the place that the job was told to write to: what lies elsewhere is
 * not this job's, and nobody knows who may change it. `E_TRAINER_OUTPUTS`.
 */
export function checkOutputs({ files }: JobManifest, { outputs }: JobSpec, job: string): void {
  const strangers = files.filter(({ uri }) => !isBelow(uri, outputs));
  if (strangers.length === 0) return;
  throw new SlipwayError(
    strangers.slice(0, mostFaults).map(({ path, uri }) => ({
      code: 'E_TRAINER_OUTPUTS',
      where: `job ${job}`,
      message: `the manifest says that ${path} stands at ${uri}; the job was told to write below ${outputs}`,
      fix: 'make the trainer write there; nothing of this job was taken',
    })),
  );
}

/** Steps that lead elsewhere once somebody tidies the address are not below. */
function isBelow(uri: string, outputs: string): boolean {
  if (!uri.startsWith(outputs)) return false;
  return uri
    .slice(outputs.length)
    .split('/')
    .every((step) => !/^(\.|%2e)*$/i.test(step) && !step.includes('\\'));
}
