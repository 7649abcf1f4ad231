import { z } from 'zod';

import { between, storeAccess } from '../../job-launcher/job-options.js';
import { secretRef } from '../../secret-ref.js';

/** Names of Secrets, service accounts and the like (DNS-1123 subdomains). */
const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'expected a name as Kubernetes knows it');
const namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'expected the name of a namespace');
const image = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, 'expected the address of an image');
/** A key of a label, an annotation or a resource: an optional domain, a slash, a name. */
const qualifiedName = z
  .string()
  .max(317)
  .regex(
    /^([a-z0-9.-]+\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
    'expected a name such as `team` or `a.com/team`',
  );
const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'expected the value of a label');
const labels = z.record(qualifiedName, labelValue);
const toleration = z.strictObject({
  key: qualifiedName.optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: labelValue.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().min(0).optional(),
});
/** A reference as stages write it. */
const stageSecret = z
  .string()
  .regex(/^(env|file|vault):[^\0\n]+$/, 'expected a reference as stages write it, such as `env:TOKEN`');
const noProgressTimeout = between('1s', '31d');

/** What one stage may say about its own jobs; what is absent is the trainer's. */
export const kubernetesJobOptions = z.strictObject({
  image: image.optional(),
  nodeSelector: labels.optional(),
  priorityClass: objectName.optional(),
  noProgressTimeout: noProgressTimeout.optional(),
  /** The model may be a pickle, which runs code whenever it is loaded. Default false. */
  trustPickle: z.boolean().default(false),
});
export type KubernetesJobOptions = z.output<typeof kubernetesJobOptions>;

export const kubernetesTrainerOptions = z.strictObject({
  adapter: z.literal('kubernetes'),
  /** Reference to the text of a kubeconfig. Default: the service account of the pod that the worker runs in. */
  kubeconfig: secretRef.optional(),
  /** Which of the kubeconfig's contexts. Default: its current one. */
  context: z.string().min(1).optional(),
  /** Where Jobs are made. */
  namespace,
  /** Holds Python, `slipway_launcher` and the Python environments of jobs. */
  image,
  /** Where the image has Python environments, by the first 16 digits of the digest of their requirements. Default `/opt/slipway/python`. */
  environments: z
    .string()
    .max(200)
    .regex(/^(\/[A-Za-z0-9._-]+)+$/, 'expected an absolute path')
    .default('/opt/slipway/python'),
  /** Whom pods are for the cloud; its token is not mounted. Default: the namespace's `default`. */
  serviceAccount: objectName.optional(),
  imagePullSecrets: z.array(objectName).default([]),
  priorityClass: objectName.optional(),
  nodeSelector: labels.default({}),
  tolerations: z.array(toleration).default([]),
  /** User id of the command; with it the pod meets the `restricted` Pod Security Standard. Default: the image's. */
  runAs: z.int().min(1).max(2_147_483_647).optional(),
  /** Put on Job and pod besides our own. */
  labels: labels.default({}),
  annotations: z.record(qualifiedName, z.string()).default({}),
  /** The cluster's name of a GPU. Default `nvidia.com/gpu`. */
  gpuResource: qualifiedName.default('nvidia.com/gpu'),
  /** Size of `/dev/shm` in MiB, which counts as memory. Default: the container runtime's. */
  sharedMemoryMb: z.int().min(1).optional(),
  /** How long a job may wait for a place in the cluster. Default `1h`. */
  startTimeout: between('1m', '31d').default('1h'),
  /** How long a job may take beyond its stage's time limit, to fetch inputs and store outputs. Default `20m`. */
  margin: between('1m', '7d').default('20m'),
  /** A job that writes nothing and uses no processor time for so long is ended. Default `30m`. */
  noProgressTimeout: noProgressTimeout.default('30m'),
  /** How long Kubernetes keeps a Job that has ended. Default `1d`. */
  keep: between('1m', '365d').default('1d'),
  /** Reference as stages write it (`env:TOKEN`) → a Secret of the namespace that the job reads instead. Default none. */
  secrets: z
    .record(stageSecret, z.strictObject({ name: objectName, key: z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/) }))
    .default({}),
  /** Longest wait for one answer of the API server. Default `30s`. */
  timeout: between('1s', '10m').default('30s'),
  /** How pods reach the artifact store. The configuration fills it from the environment's `store`. */
  store: storeAccess.optional(),
});
export type KubernetesTrainerOptions = z.output<typeof kubernetesTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type KubernetesTrainerInput = z.input<typeof kubernetesTrainerOptions>;

/** Jobs in a Kubernetes cluster, each a Job with a launcher of ours in its container. */
export function kubernetesTrainer(options: Omit<KubernetesTrainerInput, 'adapter'>): KubernetesTrainerInput {
  return { adapter: 'kubernetes', ...options };
}
