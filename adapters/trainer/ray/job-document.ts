import type { z } from 'zod';

import { durationMs } from '../../../plan/duration.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { checkedJobOptions, type StoreAccess } from '../../job-launcher/job-options.js';
import { launcherSpec } from '../../job-launcher/spec.js';
import { jobSecrets } from '../../job-secrets.js';
import type { OpenContext } from '../../open-context.js';
import type { JobSpec } from '../port.js';
import { rayJobOptions, type RayTrainerOptions } from './options.js';
import { seal } from './seal.js';

export type RayJobOptions = z.output<typeof rayJobOptions>;

/** What the stage says about its job; `E_TRAINER_SPEC` for what this trainer does not know. */
export function parseJobOptions(job: JobSpec): RayJobOptions {
  return checkedJobOptions(rayJobOptions, job, 'Ray');
}

/** What the node's side reads (`trainers/ray`, format 1). */
export function jobDocument(
  job: JobSpec,
  key: string,
  options: RayTrainerOptions,
  { endpoint, region }: StoreAccess,
  jobOptions: RayJobOptions,
): object {
  const { directory, environments } = options;
  const spec = launcherSpec(job, key, {
    // The node knows where it is.
    directory: '/',
    python: '/',
    store: { endpoint, region },
    limits: { noProgressSeconds: durationMs(jobOptions.noProgressTimeout ?? options.noProgressTimeout) / 1000 },
    trustPickle: jobOptions.trustPickle,
  });
  return { format: 1, directory, environments, requirements: job.requirements, spec };
}

/**
 * The variables that travel sealed: secrets of the stage and credentials of the store; undefined when there are none.
 * `E_SECRET_REF` for a secret that is not there, `E_TRAINER_SPEC` for secrets without a key to seal them with.
 */
export async function sealedVariables(
  job: JobSpec,
  key: string,
  { sealingKey }: RayTrainerOptions,
  store: StoreAccess,
  context: OpenContext,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (sealingKey === undefined) {
    if (Object.keys(job.secrets).length > 0) throw nothingSeals(job);
    return undefined;
  }
  const secrets = Object.entries(await jobSecrets(job, context, signal));
  const { credentials } = store;
  const values: Record<string, string> = {
    ...Object.fromEntries(secrets.map(([name, value]) => [`SLIPWAY_SECRET_${name}`, value])),
    ...(credentials && {
      AWS_ACCESS_KEY_ID: context.secret(credentials.accessKeyId),
      AWS_SECRET_ACCESS_KEY: context.secret(credentials.secretAccessKey),
    }),
  };
  return Object.keys(values).length === 0 ? undefined : seal(values, context.secret(sealingKey), key);
}

function nothingSeals(job: JobSpec): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TRAINER_SPEC',
      where: `${job.identity.stage} /secrets`,
      message: 'the stage has secrets, and whatever a Ray job is submitted with can be read by all who see the cluster',
      fix: 'Set `sealingKey` of this trainer in slipway.config.ts, and SLIPWAY_SEALING_KEY on the nodes.',
    },
    exitCodes.configuration,
  );
}
