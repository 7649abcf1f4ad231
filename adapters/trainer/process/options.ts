import { z } from 'zod';

import { type Duration, parseDuration } from '../../../plan/duration.js';
import { storeAccess } from '../../job-launcher/job-options.js';

const patience = z.custom<Duration>((value) => {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  return ms !== undefined && ms >= 1_000;
}, 'expected a duration of at least 1s, such as `30m`');

const whole = z.int().min(1).max(1e9);

/** What one stage may say about its own jobs. */
export const processJobOptions = z.strictObject({
  noProgressTimeout: patience.optional(),
  /** The model may be a pickle, which runs code whenever it is loaded. Default false. */
  trustPickle: z.boolean().default(false),
});

export const processTrainerOptions = z.strictObject({
  adapter: z.literal('process'),
  /** Where each job gets its scratch folder, below the project folder unless absolute. Default `.slipway/jobs`. */
  directory: z.string().min(1).default('.slipway/jobs'),
  /** Where the Python environments are, by digest of their requirements. Default `.slipway/python`. */
  python: z.string().min(1).default('.slipway/python'),
  /**
   * Who commands run as, by name or number: somebody else than the worker, which must run as root. They can then read and write
   * their own folders and what everybody may. Default: the worker's user, who can read and write what the worker can.
   */
  user: z.union([z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/), z.int().min(1).max(4_294_967_294)]).optional(),
  /** A job that writes nothing and uses no processor time for so long is ended. Default `30m`. */
  noProgressTimeout: patience.default('30m'),
  /** What each job may use. */
  limits: z
    .strictObject({
      /** Address space of each process in MiB, where the stage's `resources` name no memory. Default: no limit. */
      addressSpaceMb: whole.optional(),
      /** Largest file in MiB. Default 65536. */
      fileSizeMb: whole.default(65_536),
      /** Open files of each process. Default 4096. */
      openFiles: whole.default(4096),
      /** Processes of the whole job at once. Default 1024. */
      processes: whole.default(1024),
      /** What a job must leave free on the disk, in MiB. Default 256. */
      freeDiskMb: whole.default(256),
    })
    .prefault({}),
  /** How jobs reach the artifact store. The configuration fills it from the environment's `store`. */
  store: storeAccess.optional(),
});
export type ProcessTrainerOptions = z.output<typeof processTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type ProcessTrainerInput = z.input<typeof processTrainerOptions>;

/** Jobs as processes of this machine, each under a launcher of ours. */
export function processTrainer(options: Omit<ProcessTrainerInput, 'adapter'> = {}): ProcessTrainerInput {
  return { adapter: 'process', ...options };
}
