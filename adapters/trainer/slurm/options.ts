import { z } from 'zod';

import { between, storeAccess } from '../../job-launcher/job-options.js';

/** Slurm expands `%` in paths, and file names go through two hosts: nothing that anybody could read differently. */
const sharedFolder = z
  .string()
  .regex(/^(\/[A-Za-z0-9_+@=.-]+)+$/, 'expected an absolute path of letters, digits and _+@=.-')
  .refine((path) => !path.split('/').some((step) => step === '.' || step === '..'), 'expected a path without . and ..');
/** Names of partitions and the like, and lists and expressions of them. */
const slurmName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.,:&|*()[\]-]{0,255}$/, 'expected a name as Slurm knows it, such as `gpu`');

/** What both a trainer and a single stage may say: how Slurm places a job. */
const placement = {
  partition: slurmName.optional(),
  account: slurmName.optional(),
  qos: slurmName.optional(),
  constraint: slurmName.optional(),
};

/** What one stage may say about its own jobs. */
export const slurmJobOptions = z.strictObject({
  ...placement,
  noProgressTimeout: between('1s', '31d').optional(),
  /** The model may be a pickle, which runs code whenever it is loaded. Default false. */
  trustPickle: z.boolean().default(false),
});
export type SlurmJobOptions = z.output<typeof slurmJobOptions>;

export const slurmTrainerOptions = z.strictObject({
  adapter: z.literal('slurm'),
  /** What runs a shell where Slurm's commands are: `['ssh', 'login.example.com']`. Default: this machine. */
  command: z.array(z.string().min(1)).default([]),
  /** Folder of the jobs, on a file system that the login host and the nodes share. Absolute; made when it is not there. */
  directory: sharedFolder,
  /** Folder of the Python environments there, by digest of their requirements. Absolute. */
  python: sharedFolder,
  /** Partition, account, QOS and constraint of jobs whose stage names none. Default: Slurm's. */
  ...placement,
  /** Slurm's name of a GPU, as in `--gres=<name>:<count>`. Default `gpu`. */
  gres: slurmName.default('gpu'),
  /** How long a job may take beyond its stage's time limit, to fetch inputs and store outputs. Default `10m`. */
  margin: between('1m', '7d').default('10m'),
  /** A job that writes nothing and uses no processor time for so long is ended. Default `30m`. */
  noProgressTimeout: between('1s', '31d').default('30m'),
  /** Longest wait for one answer of the login host. Default `1m`. */
  timeout: between('1s', '10m').default('1m'),
  /** How jobs reach the artifact store. The configuration fills it from the environment's `store`. */
  store: storeAccess.optional(),
});
export type SlurmTrainerOptions = z.output<typeof slurmTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type SlurmTrainerInput = z.input<typeof slurmTrainerOptions>;

/** Jobs in a Slurm cluster, each under a launcher of ours. */
export function slurmTrainer(options: Omit<SlurmTrainerInput, 'adapter'>): SlurmTrainerInput {
  return { adapter: 'slurm', ...options };
}
