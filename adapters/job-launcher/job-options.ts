import { z } from 'zod';

import { type Duration, durationMs, parseDuration } from '../../plan/duration.js';
import { SlipwayError } from '../../plan/errors.js';
import { secretRef } from '../secret-ref.js';
import type { JobSpec } from '../trainer/port.js';

/** How jobs reach the artifact store: its addresses, and references to credentials. The configuration fills it in. */
export const storeAccess = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }),
  region: z.string().min(1),
  credentials: z.strictObject({ accessKeyId: secretRef, secretAccessKey: secretRef }).optional(),
});
export type StoreAccess = z.output<typeof storeAccess>;

/** A duration within bounds, both included. */
export const between = (least: Duration, most: Duration, example: Duration = '1m') =>
  z.custom<Duration>((value) => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    return ms !== undefined && ms >= durationMs(least) && ms <= durationMs(most);
  }, `expected a duration from ${least} to ${most}, such as \`${example}\``);

/** What the stage says about its job; `E_TRAINER_SPEC`, every fault at once, for what the trainer does not know. */
export function checkedJobOptions<S extends z.ZodObject>(schema: S, job: JobSpec, trainer: string): z.output<S> {
  const parsed = schema.safeParse(job.options);
  if (parsed.success) return parsed.data;
  throw new SlipwayError(
    parsed.error.issues.map((issue) => ({
      code: 'E_TRAINER_SPEC',
      where: `${job.identity.stage} /options/${issue.path.join('/')}`,
      message: issue.message,
      fix: `the ${trainer} trainer knows ${Object.keys(schema.shape).join(', ')}`,
    })),
  );
}
