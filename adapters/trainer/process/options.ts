import { z } from 'zod';

import { secretRef } from '../../secret-ref.js';

export const processTrainerOptions = z.strictObject({
  adapter: z.literal('process'),
  /** Where each job gets its scratch folder, below the project folder unless absolute. Default `.slipway/jobs`. */
  directory: z.string().min(1).default('.slipway/jobs'),
  /** Where the Python environments are, by digest of their requirements. Default `.slipway/python`. */
  python: z.string().min(1).default('.slipway/python'),
  /** How jobs reach the artifact store. The configuration fills it from the environment's `store`. */
  store: z
    .strictObject({
      endpoint: z.url({ protocol: /^https?$/ }),
      region: z.string().min(1),
      credentials: z.strictObject({ accessKeyId: secretRef, secretAccessKey: secretRef }).optional(),
    })
    .optional(),
});
export type ProcessTrainerOptions = z.output<typeof processTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type ProcessTrainerInput = z.input<typeof processTrainerOptions>;

/** Jobs as processes of this machine, each under a launcher of ours. */
export function processTrainer(options: Omit<ProcessTrainerInput, 'adapter'> = {}): ProcessTrainerInput {
  return { adapter: 'process', ...options };
}
