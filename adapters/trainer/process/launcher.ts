import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { z } from 'zod';

import { durationMs } from '../../../plan/duration.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { baseEnvironment } from '../../../processes/index.js';
import { checkedJobOptions } from '../../job-launcher/job-options.js';
import { launcherFolder, launcherRequirements, launcherSpec as specOf } from '../../job-launcher/spec.js';
import { jobSecrets } from '../../job-secrets.js';
import type { JobSpec } from '../port.js';
import { processJobOptions, type ProcessTrainerOptions } from './options.js';
import type { StartSettings } from './start.js';
import { withoutUndefined } from '../../../plan/json.js';

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
  const launcher = await python(environments, await launcherRequirements(), requirements);
  const command =
    job.requirements === null ? launcher : await python(environments, job.requirements, "the job's requirements.txt");
  return { launcher, command };
}

/**
 * The launcher's environment: the store's credentials are in it, which the launcher passes to nobody, and the job's
 * secrets, which it passes to the command and takes out of its log. `E_SECRET_REF` for a secret that is not there.
 */
export async function launcherEnvironment(
  job: JobSpec,
  { store, context }: StartSettings,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const { credentials } = store;
  const values = Object.entries(await jobSecrets(job, context, signal));
  const secrets = values.map(([name, value]) => [`SLIPWAY_SECRET_${name}`, value]);
  return {
    ...baseEnvironment(),
    PYTHONPATH: launcherFolder(),
    ...(Object.fromEntries(secrets) as Record<string, string>),
    ...(credentials && {
      AWS_ACCESS_KEY_ID: context.secret(credentials.accessKeyId),
      AWS_SECRET_ACCESS_KEY: context.secret(credentials.secretAccessKey),
    }),
  };
}

/** What the stage says about its job; `E_TRAINER_SPEC` for what this trainer does not know. */
export function parseJobOptions(job: JobSpec): z.output<typeof processJobOptions> {
  return checkedJobOptions(processJobOptions, job, 'process');
}

/** The document that the launcher reads (`trainers/launcher`, format 1). */
export function launcherSpec(
  job: JobSpec,
  key: string,
  directory: string,
  command: string,
  { options, store }: StartSettings,
  jobOptions: z.output<typeof processJobOptions>,
): object {
  const { endpoint, region } = store;
  return specOf(job, key, {
    directory,
    python: command,
    store: { endpoint, region },
    limits: limits(job, options, jobOptions.noProgressTimeout),
    user: options.user,
    trustPickle: jobOptions.trustPickle,
  });
}

function limits(
  job: JobSpec,
  options: ProcessTrainerOptions,
  noProgressTimeout?: string,
): Record<string, number | undefined> {
  const addressSpaceMb = job.resources.memoryMb ?? options.limits.addressSpaceMb;
  return {
    ...options.limits,
    ...withoutUndefined({ addressSpaceMb }),
    noProgressSeconds: durationMs(noProgressTimeout ?? options.noProgressTimeout) / 1000,
  };
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
