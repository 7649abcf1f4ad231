import { printable, SlipwayError } from '../../../plan/errors.js';
import type { OpenContext } from '../../open-context.js';
import type { JobSpec } from '../port.js';
import type { StoreAccess } from './job-document.js';
import type { KubernetesTrainerOptions } from './options.js';

/** A variable of the container whose value is in a Secret. */
export interface SecretVariable {
  name: string;
  valueFrom: { secretKeyRef: { name: string; key: string } };
}
/** The variables, and what the Secret of the job has to hold for them; null where it needs none. */
export interface JobSecrets {
  variables: SecretVariable[];
  data: Record<string, string> | null;
}

/**
 * Where each secret of a job comes from: the Secret that the trainer's options name for it, else one of the job's own,
 * with the value that the worker resolves. `E_SECRET_REF` for a value that is not there.
 */
export function jobSecrets(
  name: string,
  job: JobSpec,
  options: KubernetesTrainerOptions,
  store: StoreAccess,
  context: OpenContext,
): JobSecrets {
  const data: Record<string, string> = {};
  const from = (variable: string, ref: string): SecretVariable => {
    const named = Object.hasOwn(options.secrets, ref) ? options.secrets[ref] : undefined;
    if (named === undefined) data[variable] = Buffer.from(context.secret(ref)).toString('base64');
    return { name: variable, valueFrom: { secretKeyRef: named ?? { name, key: variable } } };
  };
  const variables = Object.entries(job.secrets).map(([variable, ref]) =>
    from(`SLIPWAY_SECRET_${checked(variable)}`, ref),
  );
  if (store.credentials !== undefined) {
    variables.push(from('AWS_ACCESS_KEY_ID', store.credentials.accessKeyId));
    variables.push(from('AWS_SECRET_ACCESS_KEY', store.credentials.secretAccessKey));
  }
  return { variables, data: Object.keys(data).length === 0 ? null : data };
}

function checked(variable: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(variable)) return variable;
  const message = `${printable(variable)} is not the name of a variable`;
  throw new SlipwayError({ code: 'E_TRAINER_SPEC', where: '/secrets', message, fix: 'rename it in the stage' });
}
