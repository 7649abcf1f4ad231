import { z } from 'zod';

import { durationMs } from '../../../plan/duration.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { nameOfKey } from '../../job-launcher/job-name.js';
import { checkedJobOptions } from '../../job-launcher/job-options.js';
import { launcherSpec } from '../../job-launcher/spec.js';
import type { Store } from '../../store/port.js';
import { ownerOfJob } from '../owner.js';
import type { JobSpec } from '../port.js';
import { placesOf } from './places.js';
import { type SagemakerJobOptions, sagemakerJobOptions, type SagemakerTrainerOptions } from './options.js';
import { withoutUndefined } from '../../../plan/json.js';

/** What the stage says about its job; `E_TRAINER_SPEC` for what this trainer does not know. */
export function parseJobOptions(job: JobSpec): SagemakerJobOptions {
  return checkedJobOptions(sagemakerJobOptions, job, 'SageMaker');
}

/**
 * What the container reads from its channel `slipway` (`slipway_launcher.sagemaker`, format 1). Of secrets it holds
 * names in Secrets Manager only; `E_SECRET_REF` (78) for a reference that has none.
 */
export function jobDocument(
  job: JobSpec,
  key: string,
  { options, store, environment }: { options: SagemakerTrainerOptions; store: Store; environment: string },
): object {
  const { endpoint, region } = store.access();
  const own = parseJobOptions(job);
  const noProgress = own.noProgressTimeout;
  return {
    format: 1,
    owner: { environment, ...job.identity },
    region: options.region,
    state: store.uri(placesOf(nameOfKey(key)).state),
    requirements: job.requirements?.slice(0, 16) ?? null,
    secrets: secretNames(job, options),
    launcher: launcherSpec(job, key, {
      // The container knows where it is.
      directory: '/',
      python: '/',
      store: { endpoint, region },
      limits: {
        ...withoutUndefined({ addressSpaceMb: job.resources.memoryMb }),
        ...(noProgress !== undefined && { noProgressSeconds: durationMs(noProgress) / 1000 }),
      },
      trustPickle: own.trustPickle,
    }),
  };
}

/** The parts of a document that are read back. */
export const documentOwner = z.object({ owner: ownerOfJob });
export const documentOutputs = z.object({ launcher: z.object({ outputs: z.string() }) });

function secretNames(job: JobSpec, options: SagemakerTrainerOptions): Record<string, string> {
  const missing = Object.values(job.secrets).filter((ref) => !Object.hasOwn(options.secrets, ref));
  if (missing.length > 0) {
    throw new SlipwayError(
      missing.map((ref) => ({
        code: 'E_SECRET_REF',
        where: ref,
        message: `${ref} has no secret in AWS Secrets Manager, and a training job gets none in clear`,
        fix: `Store it there and name it: \`secrets: { '${ref}': 'NAME' }\` of this trainer in slipway.config.ts.`,
      })),
      exitCodes.configuration,
    );
  }
  const named = Object.entries(job.secrets).map(([variable, ref]) => [variable, options.secrets[ref]]);
  return Object.fromEntries(named) as Record<string, string>;
}
