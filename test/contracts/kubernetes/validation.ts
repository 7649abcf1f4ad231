import { z } from 'zod';

/** What the API server checks of a new Job and a new Secret, as far as this trainer goes; unknown fields are refused. */
const dns = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const key = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const name = z.string().max(253).regex(dns);
const labels = z.record(
  z.string().regex(key),
  z
    .string()
    .max(63)
    .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/),
);
const annotations = z.record(z.string().regex(key), z.string());
const quantity = z.string().regex(/^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|k|M|G)?$/);
const quantities = z.record(z.string().regex(key), quantity);
const seconds = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const path = z.string().regex(/^\//);

const variable = z.strictObject({
  name: z.string().regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/),
  value: z.string().optional(),
  valueFrom: z
    .union([
      z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.enum(['metadata.uid', 'metadata.name']) }) }),
      z.strictObject({ secretKeyRef: z.strictObject({ name, key: z.string().regex(/^[-._a-zA-Z0-9]+$/) }) }),
    ])
    .optional(),
});
const container = z.strictObject({
  name: z.string().max(63).regex(dns),
  image: z.string().min(1),
  command: z.array(z.string()),
  args: z.array(z.string()),
  env: z.array(variable),
  resources: z
    .strictObject({ requests: quantities, limits: quantities })
    .refine(({ requests, limits }) => limits['memory'] === undefined || limits['memory'] === requests['memory']),
  volumeMounts: z.array(z.strictObject({ name: z.string().regex(dns), mountPath: path })),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.boolean(),
    capabilities: z.strictObject({ drop: z.array(z.string()) }),
  }),
  terminationMessagePolicy: z.enum(['File', 'FallbackToLogsOnError']),
});
const podSpec = z.strictObject({
  restartPolicy: z.enum(['Never', 'OnFailure']),
  activeDeadlineSeconds: seconds,
  terminationGracePeriodSeconds: z.int().min(0),
  automountServiceAccountToken: z.boolean(),
  enableServiceLinks: z.boolean(),
  serviceAccountName: name.optional(),
  priorityClassName: name.optional(),
  imagePullSecrets: z.array(z.strictObject({ name })),
  nodeSelector: labels,
  tolerations: z.array(
    z.strictObject({
      key: z.string().regex(key).optional(),
      operator: z.enum(['Exists', 'Equal']).optional(),
      value: z.string().optional(),
      effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
      tolerationSeconds: z.int().optional(),
    }),
  ),
  securityContext: z.strictObject({
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
    runAsNonRoot: z.boolean().optional(),
    runAsUser: z.int().optional(),
    fsGroup: z.int().optional(),
  }),
  volumes: z.array(
    z.strictObject({
      name: z.string().regex(dns),
      emptyDir: z.strictObject({ medium: z.literal('Memory').optional(), sizeLimit: quantity.optional() }),
    }),
  ),
  containers: z.array(container).length(1),
});
const jobSchema = z.strictObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('Job'),
  // The pods' names are made of it: 63 characters with a suffix of 6.
  metadata: z.strictObject({ name: z.string().max(57).regex(dns), labels, annotations }),
  spec: z.strictObject({
    parallelism: z.int().min(0),
    completions: z.int().min(0),
    backoffLimit: z.int().min(0),
    activeDeadlineSeconds: seconds,
    ttlSecondsAfterFinished: z.int().min(0),
    template: z.strictObject({ metadata: z.strictObject({ labels, annotations }), spec: podSpec }),
  }),
});
const secretSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: z.strictObject({ name, labels, annotations }),
  type: z.literal('Opaque'),
  immutable: z.boolean(),
  data: z.record(z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/), z.base64()),
});

/** What is wrong with a new object, field by field. */
export function faultsOf(resource: 'jobs' | 'secrets', body: unknown): { field: string; message: string }[] {
  const parsed = (resource === 'jobs' ? jobSchema : secretSchema).safeParse(body);
  const issues = parsed.error?.issues ?? [];
  return issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
}
