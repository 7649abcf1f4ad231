import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { packageRoot } from '../package-root.js';
import type { JobSpec } from '../trainer/port.js';
import { withoutUndefined } from '../../plan/json.js';

const pythonMinor = '3.11';

/** What `SPEC.json` holds besides what the job itself says. */
export interface LauncherSettings {
  /** Absolute path of the job's folder, where the launcher runs. */
  directory: string;
  /** Absolute path of the Python that a command's leading `python` means. */
  python: string;
  /** How the launcher reaches `s3://` addresses. */
  store: { endpoint: string; region: string };
  /** See `trainers/launcher/slipway_launcher/limits.py`; absent ones are its defaults. */
  limits: Readonly<Record<string, number | undefined>>;
  /** Who the command runs as; default the launcher's user. */
  user?: string | number | undefined;
  /** The model may be a pickle. */
  trustPickle: boolean;
}

/** The document that the launcher reads (`trainers/launcher`, format 1). */
export function launcherSpec(job: JobSpec, key: string, settings: LauncherSettings): object {
  const inputs = Object.entries(job.inputs).map(([channel, files]) => [
    channel,
    { files: files.map(({ path, uri, sha256, bytes }) => ({ path, uri, sha256, bytes })) },
  ]);
  return {
    format: 1,
    key,
    directory: settings.directory,
    command: job.command,
    python: settings.python,
    code: job.code && { uri: job.code.uri, sha256: job.code.sha256, bytes: job.code.bytes },
    inputs: Object.fromEntries(inputs) as object,
    hyperparameters: job.hyperparameters,
    environment: job.environment,
    secrets: Object.keys(job.secrets),
    outputs: job.outputs,
    checkpoints: job.checkpoints,
    store: settings.store,
    expects: job.expects,
    maxSeconds: job.maxMs / 1000,
    limits: settings.limits,
    threads: job.resources.cpu === undefined ? null : Math.max(1, Math.round(job.resources.cpu)),
    trust: settings.trustPickle ? ['pickle'] : [],
    ...withoutUndefined({ user: settings.user }),
  };
}

/** Where the launcher's package and its lock file are. */
export function launcherFolder(): string {
  return join(packageRoot(), 'trainers', 'launcher');
}

/** Names the launcher's own Python environment, as `CodeFolder.requirements` names those of jobs. */
export async function launcherRequirements(): Promise<string> {
  const file = join(launcherFolder(), 'requirements.txt');
  return createHash('sha256')
    .update(await readFile(file))
    .update(pythonMinor)
    .digest('hex');
}
