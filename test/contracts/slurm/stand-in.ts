import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import { baseEnvironment } from '../../../processes/index.js';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'stand-in.mjs');

/** Slurm, real or not, as the trainer reaches it. */
export interface TestSlurm {
  /** `command` of the trainer. */
  command: string[];
  /** Prints `id|state|reason` of every job of that name. */
  jobs(name: string): Promise<{ id: string; state: string }[]>;
  close(): Promise<void>;
}

/** What a cluster may suffer; see `stand-in.mjs`. */
export type Trouble = 'down' | 'lose-answer' | 'hold' | 'forget' | 'accounting';

export interface StandIn extends TestSlurm {
  set(trouble: Trouble): Promise<void>;
  unset(trouble: Trouble): Promise<void>;
  /** What a submission was made of: options of `sbatch`, its environment, its script. */
  submitted(id: string): Promise<string>;
  /** Submits the batch script of a job's folder once more. */
  submitAgain(name: string, folder: string): Promise<void>;
  /** Ends a job from outside; returns when Slurm knows that it has ended. */
  end(id: string, state: string, how: 'term' | 'crash' | 'memory'): Promise<void>;
}

/** Slurm's commands on this machine, behind a login host that reads what it is sent with a shell and greets everybody. */
export async function startStandIn(folder: string): Promise<StandIn> {
  const cluster = join(folder, 'cluster');
  const bin = join(folder, 'bin');
  await mkdir(join(cluster, 'jobs'), { recursive: true });
  await mkdir(bin, { recursive: true });
  const script = async (name: string, text: string) => {
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  };
  for (const name of ['sbatch', 'squeue', 'sacct', 'scancel'])
    await script(name, `exec '${process.execPath}' '${program}' ${name} "$@"`);
  await script('login', `shift\necho 'Welcome to the cluster!'\nsh -c "$*"\ncode=$?\necho Bye\nexit $code`);
  const env = { ...baseEnvironment(), STAND_IN: cluster, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const user = (await run('id', ['-un'])).stdout.trim();
  const call = async (...args: string[]) => (await run(process.execPath, [program, ...args], { env })).stdout;
  const jobs = async (...only: string[]) => {
    const rows = await call('squeue', '--all', '--states=all', `--user=${user}`, '--format=%i|%T', ...only);
    const lines = rows.split('\n').filter((line) => line !== '');
    return lines.map((line) => ({ id: line.split('|')[0] ?? '', state: line.split('|')[1] ?? '' }));
  };
  return {
    command: ['env', `STAND_IN=${cluster}`, `PATH=${env.PATH}`, 'login', 'login.example.com'],
    jobs: (name) => jobs(`--name=${name}`),
    set: (trouble) => writeFile(join(cluster, trouble), ''),
    unset: (trouble) => rm(join(cluster, trouble), { force: true }),
    submitted: async (id) =>
      (await readFile(join(cluster, 'jobs', id, 'record.json'), 'utf8')) +
      (await readFile(join(cluster, 'jobs', id, 'script'), 'utf8')),
    submitAgain: async (name, at) => {
      const args = [`--job-name=${name}`, '--dependency=singleton', `--chdir=${at}`, `--output=${at}/launcher.log`];
      await call('sbatch', '--open-mode=append', ...args, join(at, 'batch.sh'));
    },
    end: async (id, state, how) => {
      await call('end', id, state, how);
      const stateOf = () => readFile(join(cluster, 'jobs', id, 'state'), 'utf8');
      await expect.poll(stateOf, { timeout: 60_000, interval: 50 }).toContain(state);
    },
    close: async () => {
      await rm(join(cluster, 'down'), { force: true });
      await rm(join(cluster, 'forget'), { force: true });
      for (const { id, state } of await jobs())
        if (['PENDING', 'RUNNING', 'COMPLETING'].includes(state)) await call('end', id, 'CANCELLED', 'crash');
    },
  };
}
