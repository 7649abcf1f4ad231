import type { StoreAccess } from '../../job-launcher/job-options.js';
import { printable, SlipwayError } from '../../../plan/errors.js';
import { jobSecrets } from '../../job-secrets.js';
import type { OpenContext } from '../../open-context.js';
import type { JobSpec } from '../port.js';
import type { KubernetesTrainerOptions } from './options.js';

/** A variable of the container whose value is in a Secret. */
export interface SecretVariable {
  name: string;
  valueFrom: { secretKeyRef: { name: string; key: string } };
}
/** The variables, and what the Secret of the job has to hold for them; null where it needs none. */
export interface ContainerSecrets {
  variables: SecretVariable[];
  data: Record<string, string> | null;
}

/**
 * Where each secret of a job comes from: the Secret that the trainer's options name for it, else one of the job's own,
 * with the value that the worker looks up. Throws what `jobSecrets` says of a value that is not there.
 */
export async function containerSecrets(
  name: string,
  job: JobSpec,
  options: KubernetesTrainerOptions,
  store: StoreAccess,
  context: OpenContext,
  signal?: AbortSignal,
): Promise<ContainerSecrets> {
  const named = new Map(Object.entries(options.secrets));
  const others = Object.entries(job.secrets).filter(([, ref]) => !named.has(ref));
  const values = Object.entries(await jobSecrets({ secrets: Object.fromEntries(others) }, context, signal));
  const data: Record<string, string> = Object.fromEntries(
    values.map(([variable, value]) => [`SLIPWAY_SECRET_${variable}`, encoded(value)]),
  );
  const variables = Object.entries(job.secrets).map(([variable, ref]) => {
    const key = `SLIPWAY_SECRET_${checked(variable)}`;
    return { name: key, valueFrom: { secretKeyRef: named.get(ref) ?? { name, key } } };
  });
  for (const [key, value] of credentials(store, context)) {
    data[key] = encoded(value);
    variables.push({ name: key, valueFrom: { secretKeyRef: { name, key } } });
  }
  return { variables, data: Object.keys(data).length === 0 ? null : data };
}

function credentials({ credentials: refs }: StoreAccess, context: OpenContext): [string, string][] {
  if (refs === undefined) return [];
  return [
    ['AWS_ACCESS_KEY_ID', context.secret(refs.accessKeyId)],
    ['AWS_SECRET_ACCESS_KEY', context.secret(refs.secretAccessKey)],
  ];
}

function encoded(value: string): string {
  return Buffer.from(value).toString('base64');
}

function checked(variable: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(variable)) return variable;
  const message = `${printable(variable)} is not the name of a variable`;
  throw new SlipwayError({ code: 'E_TRAINER_SPEC', where: '/secrets', message, fix: 'rename it in the stage' });
}
