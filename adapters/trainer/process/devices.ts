import { readdir } from 'node:fs/promises';

import { SlipwayError } from '../../../plan/errors.js';
import type { JobSpec } from '../port.js';

/** Refuses a job that needs more GPUs than this machine shows (`/dev/nvidia0`…): `E_TRAINER_LIMIT`. */
export async function checkDevices(job: JobSpec): Promise<void> {
  const wanted = job.resources.gpu ?? 0;
  if (wanted === 0) return;
  const found = (await readdir('/dev')).filter((name) => /^nvidia\d+$/.test(name)).length;
  if (found >= wanted) return;
  throw new SlipwayError({
    code: 'E_TRAINER_LIMIT',
    where: `${job.identity.stage} /resources/gpu`,
    message: `the job wants ${wanted}, this machine has ${found}`,
    fix: 'let the stage run in a pool or on a trainer that has them',
  });
}
