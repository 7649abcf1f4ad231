import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';

import type { StoreAccess } from '../../job-launcher/job-options.js';
import { endMarked, readRecord, startDetached, withMachineLock, writeFileAtomic } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { JobSpec } from '../port.js';
import { checkDevices } from './devices.js';
import { findInterpreters, launcherEnvironment, launcherSpec, parseJobOptions } from './launcher.js';
import type { ProcessTrainerOptions } from './options.js';
import { makeScratch, type Scratch } from './scratch.js';

/** Everything that a start needs besides the job. */
export interface StartSettings {
  options: ProcessTrainerOptions;
  store: StoreAccess;
  context: OpenContext;
  /** Whose jobs are started. */
  environment: string;
  /** Which directory of jobs it is, and with that which machine. */
  machine: string;
}

/** Starts the launcher of a job, once for its key: whoever comes second finds the record of the first. */
export async function startJob(
  scratch: Scratch,
  job: JobSpec,
  key: string,
  settings: StartSettings,
  signal?: AbortSignal,
): Promise<void> {
  await checkDevices(job);
  const jobOptions = parseJobOptions(job);
  const python = await findInterpreters(settings.options, settings.context.root, job);
  await makeScratch(scratch, settings.options.user !== undefined);
  await withMachineLock(
    scratch.folder,
    async () => {
      if ((await readRecord(scratch.record)) !== undefined) return;
      await endUnrecorded(scratch, key);
      const env = await launcherEnvironment(job, settings, signal);
      const spec = launcherSpec(job, key, scratch.folder, python.command, settings, jobOptions);
      await writeFileAtomic(scratch.spec, JSON.stringify(spec, null, 1), 0o600);
      await startDetached({
        command: python.launcher,
        args: ['-S', '-m', 'slipway_launcher', scratch.spec],
        env,
        cwd: scratch.folder,
        logFile: scratch.launcherLog,
        recordFile: scratch.record,
        marker: key,
        facts: { environment: settings.environment, machine: settings.machine, ...job.identity },
      });
    },
    signal,
  );
}

/** Ends what a start left that was cut off before its record. Whether there is a record now. */
export async function recordedOrEnded(scratch: Scratch, key: string, signal?: AbortSignal): Promise<boolean> {
  if ((await readRecord(scratch.record)) !== undefined) return true;
  if (!existsSync(scratch.spec)) return false;
  return await withMachineLock(
    scratch.folder,
    async () => {
      if ((await readRecord(scratch.record)) !== undefined) return true;
      await endUnrecorded(scratch, key);
      return false;
    },
    signal,
  );
}

/** A start that was cut off between the launcher and its record left one that nobody knows. Under the lock of the job. */
async function endUnrecorded(scratch: Scratch, key: string): Promise<void> {
  if (!existsSync(scratch.spec)) return;
  await endMarked(key);
  // It may have said that it was stopped, which is not how the job ended.
  await rm(scratch.state, { force: true });
}
