import { z } from 'zod';

import { printable } from '../../../plan/errors.js';
import { notKubernetes } from './faults.js';

/** Kubernetes' objects, as far as they are read. Lists may be `null`: Go writes empty ones so. */
const list = <T extends z.ZodType>(of: T) =>
  z
    .array(of)
    .nullish()
    .transform((found) => found ?? []);
const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((found) => found ?? {});
const metadata = z.object({
  name: z.string(),
  uid: z.string(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  labels: texts,
  annotations: texts,
});
const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  lastTransitionTime: z.string().nullish(),
});
const waiting = z.object({ reason: z.string().nullish(), message: z.string().nullish() });
const terminated = waiting.extend({ exitCode: z.int() });
const container = z.object({
  name: z.string(),
  state: z.object({ waiting: waiting.nullish(), terminated: terminated.nullish() }).nullish(),
});

const job = z.object({
  metadata,
  spec: z.object({ suspend: z.boolean().nullish() }),
  status: z.object({ conditions: list(condition), startTime: z.string().nullish() }).nullish(),
});
const pod = z.object({
  metadata,
  spec: z.object({ nodeName: z.string().nullish() }),
  status: z
    .object({
      phase: z.string().nullish(),
      reason: z.string().nullish(),
      message: z.string().nullish(),
      conditions: list(condition),
      containerStatuses: list(container),
    })
    .nullish(),
});
const event = z.object({ type: z.string().nullish(), reason: z.string().nullish(), message: z.string().nullish() });

export type KubernetesJob = z.output<typeof job>;
export type Pod = z.output<typeof pod>;
export type Condition = z.output<typeof condition>;

export const parseJob = reader(job);
/** A part of a list, and what asks for the next one. */
export const parseJobs = reader(
  z.object({ metadata: z.object({ continue: z.string().nullish() }).nullish(), items: list(job) }),
);
export const parsePods = reader(z.object({ items: list(pod) }));
export const parseEvents = reader(z.object({ items: list(event) }));

/** Reads an object; `E_TRAINER_PROTOCOL` for what no API server writes. */
function reader<T extends z.ZodType>(schema: T): (body: unknown, where: string) => z.output<T> {
  return (body, where) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw notKubernetes(printable(`/${issue?.path.join('/') ?? ''} ${issue?.message ?? ''}`, 300), where);
  };
}

/** Whether a condition holds. */
export function holds(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((found) => found.type === type && found.status === 'True');
}
