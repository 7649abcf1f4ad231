import { z } from 'zod';

import { between, storeAccess } from '../../job-launcher/job-options.js';
import { secretRef } from '../../secret-ref.js';

/** No credentials, which would be shown with the address, and nothing after the path. */
const base = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { username, password, search, hash } = new URL(text);
  return `${username}${password}${search}${hash}` === '';
}, 'expected an address without user, query and fragment; name the token under `token`');

const absolute = z.string().regex(/^\/[\w./-]+$/, 'expected an absolute path on the nodes');

/** What one stage may say about its own jobs. */
export const rayJobOptions = z.strictObject({
  noProgressTimeout: between('1s', '31d', '30m').optional(),
  /** The model may be a pickle, which runs code whenever it is loaded. Default false. */
  trustPickle: z.boolean().default(false),
  /** Custom resources of the cluster that the job takes, such as `{ a100: 1 }`. */
  resources: z.record(z.string().min(1).max(100), z.number().positive()).default({}),
});

export const rayTrainerOptions = z.strictObject({
  adapter: z.literal('ray'),
  /** Address of the Jobs API: that of the dashboard, `http://<head>:8265` unless it was changed. */
  url: base,
  /** Reference to the bearer token, where the cluster or a proxy before it wants one. Default: none is sent. */
  token: secretRef.optional(),
  /** Longest wait for one answer. Default `30s`. */
  timeout: between('100ms', '5m', '30s').default('30s'),
  /** The Python of the nodes that runs the launcher; it has what `trainers/ray/node-requirements.txt` names. Default `python`. */
  python: z
    .string()
    .regex(/^[A-Za-z0-9_./-]+$/, 'expected a command or a path, without spaces')
    .default('python'),
  /** Folder of the nodes with the jobs' scratch folders. Default `/tmp/slipway-jobs`. */
  directory: absolute.default('/tmp/slipway-jobs'),
  /** Folder of the nodes with Python environments, by digest of their requirements; made there when missing. Default `/tmp/slipway-python`. */
  environments: absolute.default('/tmp/slipway-python'),
  /** A job that writes nothing and uses no processor time for so long is ended. Default `30m`. */
  noProgressTimeout: between('1s', '31d', '30m').default('30m'),
  /**
   * Reference to the text, at least 32 characters, that the nodes have as `SLIPWAY_SEALING_KEY`: secrets of stages and the
   * credentials of the store travel sealed with it. Default: none travel, and the nodes have credentials of their own.
   */
  sealingKey: secretRef.optional(),
  /** How jobs reach the artifact store. The configuration fills it from the environment's `store`. */
  store: storeAccess.optional(),
});
export type RayTrainerOptions = z.output<typeof rayTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type RayTrainerInput = z.input<typeof rayTrainerOptions>;

/** Jobs on a Ray cluster, through its Jobs API. */
export function rayTrainer(options: Omit<RayTrainerInput, 'adapter'>): RayTrainerInput {
  return { adapter: 'ray', ...options };
}
