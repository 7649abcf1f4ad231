import { durationMs } from '../../../plan/duration.js';
import { printable, SlipwayError } from '../../../plan/errors.js';
import { checkedJobOptions, type StoreAccess } from '../../job-launcher/job-options.js';
import { launcherRequirements, launcherSpec } from '../../job-launcher/spec.js';
import type { OpenContext } from '../../open-context.js';
import { jobSecrets } from '../../job-secrets.js';
import type { JobSpec } from '../port.js';
import type { JobFolder } from './job-folder.js';
import { slurmJobOptions, type SlurmJobOptions, type SlurmTrainerOptions } from './options.js';
import { quote } from './shell.js';

/** Everything that a submission needs besides the job. */
export interface SubmitSettings {
  options: SlurmTrainerOptions;
  store: StoreAccess;
  context: OpenContext;
  /** `PYTHONPATH` of the launcher. */
  launcher: string;
  /** Whose jobs they are. */
  environment: string;
}

/** A job as it is handed to Slurm. */
export interface Submission {
  /** Content of `spec.json`. */
  spec: string;
  /** Content of `identity.json`: whose job it is, in one line. */
  identity: string;
  /** Shell text with all secrets; the batch script reads and removes it. */
  secrets: string;
  /** The batch script. Slurm keeps and shows it: no secret is in it. */
  script: string;
  /** Arguments of `sbatch`. */
  args: string[];
  /** Pythons that must be there. */
  pythons: string[];
}

/** Puts a job together. `E_SECRET_REF` for a secret that is not there, `E_TRAINER_SPEC` for options that nobody knows. */
export async function submissionOf(
  at: JobFolder,
  job: JobSpec,
  key: string,
  { options, store, context, launcher, environment }: SubmitSettings,
  signal?: AbortSignal,
): Promise<Submission> {
  const own = parseJobOptions(job);
  const pythonOf = (digest: string): string => `${options.python}/${digest.slice(0, 16)}/bin/python`;
  const runner = pythonOf(await launcherRequirements());
  const command = job.requirements === null ? runner : pythonOf(job.requirements);
  const spec = launcherSpec(job, key, {
    directory: at.folder,
    python: command,
    store: { endpoint: store.endpoint, region: store.region },
    // Memory is Slurm's to limit: for the whole job, not for each process.
    limits: { noProgressSeconds: durationMs(own.noProgressTimeout ?? options.noProgressTimeout) / 1000 },
    trustPickle: own.trustPickle,
  });
  return {
    spec: JSON.stringify(spec, null, 1),
    identity: JSON.stringify({ environment, ...job.identity }),
    secrets: secretsText(await jobSecrets(job, context, signal), store, context),
    script: batchScript(at, key, runner, launcher),
    args: sbatchArguments(at, job, options, own),
    pythons: [...new Set([runner, command])],
  };
}

/**
 * The job itself. Whoever comes first runs, should the key ever have been submitted twice; `exec` makes the launcher the
 * process that Slurm signals.
 */
function batchScript({ folder }: JobFolder, key: string, python: string, launcher: string): string {
  return `#!/bin/sh
umask 077
cd ${quote(folder)} || exit 75
ln -s "$SLURM_JOB_ID" owner 2>/dev/null || [ "$(readlink owner)" = "$SLURM_JOB_ID" ] || exit 0
if [ -e stopped ]; then exit 0; fi
. ./secrets || exit 75
rm -f secrets
export SLIPWAY_MARKER=${key} PYTHONPATH=${quote(launcher)}
exec ${quote(python)} -m slipway_launcher ${quote(`${folder}/spec.json`)}
`;
}

/** Values by assignment: `export` takes them from the launcher's environment, no list of processes shows them. */
function secretsText(secrets: Record<string, string>, store: StoreAccess, context: OpenContext): string {
  const values = Object.entries(secrets).map(([name, value]) => [`SLIPWAY_SECRET_${name}`, value]);
  if (store.credentials !== undefined) {
    values.push(['AWS_ACCESS_KEY_ID', context.secret(store.credentials.accessKeyId)]);
    values.push(['AWS_SECRET_ACCESS_KEY', context.secret(store.credentials.secretAccessKey)]);
  }
  return values.map(([name = '', value = '']) => `export ${variable(name)}=${quote(value)}\n`).join('');
}

function variable(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  const message = `${printable(name)} is not the name of a variable`;
  throw new SlipwayError({ code: 'E_TRAINER_SPEC', where: '/secrets', message, fix: 'rename it in the stage' });
}

/** One job per key: deterministic name, never requeued by Slurm, one at a time should it be submitted twice. */
function sbatchArguments(
  { name, folder }: JobFolder,
  job: JobSpec,
  options: SlurmTrainerOptions,
  own: SlurmJobOptions,
): string[] {
  const { run, stage, attempt } = job.identity;
  const { cpu, memoryMb, gpu } = job.resources;
  const minutes = Math.ceil((job.maxMs + durationMs(options.margin)) / 60_000);
  const wanted: Record<string, string | number | undefined> = {
    'job-name': name,
    comment: printable(`slipway run ${run} stage ${stage} attempt ${attempt}`, 200).replaceAll('\n', ' '),
    dependency: 'singleton',
    export: 'ALL',
    chdir: folder,
    output: `${folder}/launcher.log`,
    'open-mode': 'append',
    nodes: 1,
    ntasks: 1,
    'cpus-per-task': cpu === undefined ? undefined : Math.max(1, Math.ceil(cpu)),
    mem: memoryMb === undefined ? undefined : `${memoryMb}M`,
    gres: gpu === undefined || gpu === 0 ? undefined : `${options.gres}:${gpu}`,
    time: minutes,
    partition: own.partition ?? options.partition,
    account: own.account ?? options.account,
    qos: own.qos ?? options.qos,
    constraint: own.constraint ?? options.constraint,
  };
  const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return [
    '--parsable',
    '--no-requeue',
    ...given.map(([option, value]) => `--${option}=${value}`),
    `${folder}/batch.sh`,
  ];
}

function parseJobOptions(job: JobSpec): SlurmJobOptions {
  return checkedJobOptions(slurmJobOptions, job, 'Slurm');
}
