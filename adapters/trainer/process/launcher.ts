import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { baseEnvironment } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import { packageRoot } from '../../package-root.js';
import type { JobSpec } from '../port.js';
import type { ProcessTrainerOptions } from './options.js';

const pythonMinor = '3.11';

/** How jobs reach the artifact store: addresses, and references to credentials. */
export type StoreAccess = NonNullable<ProcessTrainerOptions['store']>;

/** What is needed to start a launcher for a job. */
export interface Interpreters {
  /** Runs the launcher. */
  launcher: string;
  /** Runs the job's command. */
  command: string;
}

/** Finds both Pythons; `E_TRAINER_ENVIRONMENT` (78) when one is not installed. */
export async function findInterpreters(
  options: ProcessTrainerOptions,
  root: string,
  job: JobSpec,
): Promise<Interpreters> {
  const environments = resolve(root, options.python);
  const requirements = join(launcherFolder(), 'requirements.txt');
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .update(pythonMinor)
    .digest('hex');
  const launcher = await python(environments, digest, requirements);
  const command =
    job.requirements === null ? launcher : await python(environments, job.requirements, "the job's requirements.txt");
  return { launcher, command };
}

/** The launcher's environment: the store's credentials are in it, and the launcher passes them to nobody. */
export function launcherEnvironment(store: StoreAccess, context: OpenContext): Record<string, string> {
  const { credentials } = store;
  return {
    ...baseEnvironment(),
    PYTHONPATH: launcherFolder(),
    ...(credentials && {
      AWS_ACCESS_KEY_ID: context.secret(credentials.accessKeyId),
      AWS_SECRET_ACCESS_KEY: context.secret(credentials.secretAccessKey),
    }),
  };
}

/** The document that the launcher reads (`trainers/launcher`, format 1). */
export function launcherSpec(
  job: JobSpec,
  key: string,
  directory: string,
  command: string,
  store: StoreAccess,
): object {
  const inputs = Object.entries(job.inputs).map(([channel, files]) => [
    channel,
    { files: files.map(({ path, uri, sha256, bytes }) => ({ path, uri, sha256, bytes })) },
  ]);
  return {
    format: 1,
    key,
    directory,
    command: job.command,
    python: command,
    code: job.code && { uri: job.code.uri, sha256: job.code.sha256, bytes: job.code.bytes },
    inputs: Object.fromEntries(inputs) as object,
    hyperparameters: job.hyperparameters,
    environment: job.environment,
    outputs: job.outputs,
    store: { endpoint: store.endpoint, region: store.region },
    expects: job.expects,
    maxSeconds: job.maxMs / 1000,
  };
}

function launcherFolder(): string {
  return join(packageRoot(), 'trainers', 'launcher');
}

async function python(environments: string, digest: string, of: string): Promise<string> {
  const path = join(environments, digest.slice(0, 16), 'bin', 'python');
  try {
    await access(path);
    return path;
  } catch {
    throw new SlipwayError(
      {
        code: 'E_TRAINER_ENVIRONMENT',
        where: path,
        message: `the Python environment for ${of} is not installed`,
        fix: "Run `slipway up` (for the launcher) and `slipway deploy` (for the pipeline's own folders) on this machine.",
      },
      exitCodes.configuration,
    );
  }
}
