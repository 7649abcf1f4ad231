import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

import type { OpenContext } from '../../../adapters/open-context.js';
import { openSlurmTrainer } from '../../../adapters/trainer/slurm/index.js';
import { type SlurmTrainerOptions, slurmTrainerOptions } from '../../../adapters/trainer/slurm/options.js';
import type { JobSpec, Trainer } from '../../../adapters/trainer/port.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { ensurePython } from '../../../stack/index.js';
import { projectRoot } from '../../stack-fixture.js';
import { markedProcesses } from '../marked-processes.js';
import { describeTrainer } from '../trainer.contract.js';
import { countedJobs, jobSpec, programs } from '../job-specs.js';
import { describeTrainerJobs, programs as jobPrograms } from '../trainer-jobs.contract.js';
import type { TestSlurm } from './stand-in.js';

/** A trainer on a Slurm, with jobs whose inputs and outputs are in a folder. */
export interface SlurmBench {
  slurm: TestSlurm;
  folder: string;
  trainer: Trainer;
  options: SlurmTrainerOptions;
  context: OpenContext;
  secret: { ref: string; value: string };
  job(program: string, more?: Partial<JobSpec>): JobSpec;
  /** The folder of a job on the shared file system. */
  folderOf(job: string): string;
  /** Returns when the command has said `running`. */
  running(job: string): Promise<void>;
}

export const newKey = (): string => randomBytes(32).toString('hex');
export const nameOf = (job: string): string => `slipway-${job}`;

/** Opens the trainer on a Slurm; Python environments are those of the test stack. */
export async function openBench(slurm: TestSlurm, folder: string): Promise<SlurmBench> {
  const requirements = resolve(import.meta.dirname, '../../../trainers/launcher/requirements.txt');
  const python = await ensurePython({ root: projectRoot, requirements, onProgress: () => undefined });
  const value = `${randomBytes(12).toString('hex')}'"$(id)\\\n-second line`;
  const context: OpenContext = { root: projectRoot, secret: (ref) => (ref === 'env:PLANTED' ? value : missing(ref)) };
  const options = slurmTrainerOptions.parse({
    adapter: 'slurm',
    command: slurm.command,
    directory: join(folder, 'shared/jobs'),
    python: resolve(python, '../../..'),
    store: {
      endpoint: 'http://127.0.0.1:9',
      region: 'us-east-1',
      credentials: { accessKeyId: 'env:PLANTED', secretAccessKey: 'env:PLANTED' },
    },
  });
  const trainer = openSlurmTrainer(options, context);
  const somewhere = (what: string) => `file://${folder}/${what}/${randomBytes(6).toString('hex')}/`;
  return {
    slurm,
    folder,
    trainer,
    options,
    context,
    secret: { ref: 'env:PLANTED', value },
    job: (program, more = {}) =>
      jobSpec(program, { outputs: somewhere('outputs'), checkpoints: somewhere('checkpoints') }, more),
    folderOf: (job) => join(options.directory, job),
    running: async (job) => {
      const text = async () => (await trainer.logs(job)).text;
      await expect.poll(text, { timeout: 100_000, interval: 50 }).toContain('running');
    },
  };
}

/** What every trainer must do, on this Slurm. `crash` ends all processes of a job by its number in Slurm. */
export function describeSlurm(name: string, bench: () => SlurmBench, crash: (id: string) => Promise<void>): void {
  describeTrainer(name, () => {
    const { trainer, job, slurm, folder } = bench();
    return Promise.resolve({
      trainer,
      job: (behaviour) => job(programs[behaviour]),
      counted: countedJobs(folder, job),
      crash: async (id) => {
        for (const each of await slurm.jobs(nameOf(id))) await crash(each.id);
      },
    });
  });
  describeTrainerJobs(name, () => {
    const { trainer, job, secret, folderOf } = bench();
    return Promise.resolve({
      trainer,
      job: (behaviour, more) => job(jobPrograms[behaviour], more),
      secret,
      stored: (spec) => filesBelow(fileURLToPath(spec.outputs)),
      alive: async (jobKey) => (await markedProcesses(jobKey)).length,
      kept: async (id) => Object.values(await filesBelow(folderOf(id))).join('\n'),
    });
  });
}

/** Path → content. */
export async function filesBelow(folder: string): Promise<Record<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  const contents = files.map(async (file) => [relative(folder, file), await readFile(file)] as const);
  return Object.fromEntries(await Promise.all(contents));
}

function missing(ref: string): never {
  throw new SlipwayError(
    { code: 'E_SECRET_REF', where: ref, message: 'the reference is missing or empty' },
    exitCodes.configuration,
  );
}
