import { createHash } from 'node:crypto';

import { durationMs } from '../../../plan/duration.js';
import { checkedJobOptions, type StoreAccess } from '../../job-launcher/job-options.js';
import { launcherSpec } from '../../job-launcher/spec.js';
import type { JobSpec } from '../port.js';
import { type KubernetesJobOptions, kubernetesJobOptions, type KubernetesTrainerOptions } from './options.js';

/** What the container reads from the store, and the digest by which its Job names it. */
export interface JobDocument {
  bytes: Uint8Array;
  sha256: string;
}

/** What the stage says about its job; `E_TRAINER_SPEC` for what this trainer does not know. */
export function parseJobOptions(job: JobSpec): KubernetesJobOptions {
  return checkedJobOptions(kubernetesJobOptions, job, 'Kubernetes');
}

/** What to do, for `slipway_launcher.kubernetes` (format 1). No secret is in it. */
export function jobDocument(
  job: JobSpec,
  key: string,
  options: KubernetesTrainerOptions,
  { endpoint, region }: StoreAccess,
): JobDocument {
  const own = parseJobOptions(job);
  const launcher = launcherSpec(job, key, {
    // The container knows where it is.
    directory: '/',
    python: '/',
    store: { endpoint, region },
    // Memory is Kubernetes' to limit: for the whole container, not for each process.
    limits: { noProgressSeconds: durationMs(own.noProgressTimeout ?? options.noProgressTimeout) / 1000 },
    trustPickle: own.trustPickle,
  });
  const document = { format: 1, requirements: job.requirements?.slice(0, 16) ?? null, launcher };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
