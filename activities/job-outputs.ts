import type { JobManifest, JobSpec } from '../adapters/trainer/port.js';
import { SlipwayError, type Fault } from '../plan/errors.js';

/** Faults that are told at once. */
const mostFaults = 5;
/** What a launcher lists at most. */
const mostFiles = 20_000;

/**
 * Refuses a manifest that no launcher writes, whoever sent it: paths that leave their folder (`E_PATH_ESCAPE`), a path named twice
 * or too many files (`E_MANIFEST`), and files outside of the place that the job was told to write to (`E_TRAINER_OUTPUTS`):
 * what lies elsewhere is not this job's, and nobody knows who may change it.
 */
export function checkOutputs({ files }: JobManifest, { outputs }: JobSpec, job: string): void {
  const where = `job ${job}`;
  if (files.length > mostFiles)
    throw new SlipwayError({
      code: 'E_MANIFEST',
      where,
      message: `the manifest names ${files.length} files; at most ${mostFiles} are taken`,
      fix: 'let the job write fewer, larger files',
    });
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const { path, uri } of files) {
    const fault = faultOf(path, uri, outputs, seen);
    if (fault !== undefined) faults.push({ where, ...fault });
    seen.add(path);
    if (faults.length === mostFaults) break;
  }
  if (faults.length > 0) throw new SlipwayError(faults);
}

function faultOf(path: string, uri: string, outputs: string, seen: ReadonlySet<string>): Fault | undefined {
  if (!isRelative(path))
    return {
      code: 'E_PATH_ESCAPE',
      message: `the manifest names ${path}, which is no path below a folder`,
      fix: 'name files by relative paths with / and without `.` or `..`; nothing of this job was taken',
    };
  if (seen.has(path))
    return {
      code: 'E_MANIFEST',
      message: `the manifest names ${path} twice`,
      fix: 'name each file once; nothing of this job was taken',
    };
  if (isBelow(uri, outputs)) return undefined;
  return {
    code: 'E_TRAINER_OUTPUTS',
    message: `the manifest says that ${path} stands at ${uri}; the job was told to write below ${outputs}`,
    fix: 'make the trainer write there; nothing of this job was taken',
  };
}

function isRelative(path: string): boolean {
  // eslint-disable-next-line no-control-regex
  if (path.length > 1_024 || /[\u0000-\u001f\u007f\\]/.test(path)) return false;
  return path.split('/').every((step) => step !== '' && step !== '.' && step !== '..');
}

/** Steps that lead elsewhere once somebody tidies the address are not below. */
function isBelow(uri: string, outputs: string): boolean {
  if (!uri.startsWith(outputs)) return false;
  return uri
    .slice(outputs.length)
    .split('/')
    .every((step) => !/^(\.|%2e)*$/i.test(step) && !step.includes('\\'));
}
