import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, vi } from 'vitest';

import { baseEnvironment, freePort } from '../../../processes/index.js';
import type { TestSlurm } from './stand-in.js';

const run = promisify(execFile);

export interface RealSlurm extends TestSlurm {
  /** Ends slurmctld at once, after it has written down that job; `startController` brings it back. */
  killController(name: string): Promise<void>;
  startController(): Promise<void>;
  /** `scancel`, as somebody else at the cluster would. */
  cancel(id: string): Promise<void>;
  /** Kills the processes of a job, so that nothing can be written any more; returns when Slurm knows. */
  crash(id: string): Promise<void>;
}

/** Debian's Slurm (`apt-get install slurm-wlm munge`) as a cluster of one node on 127.0.0.1, all of it below `folder`. Needs root. */
export async function startSlurm(folder: string): Promise<RealSlurm> {
  const at = (name: string) => join(folder, name);
  for (const name of ['state', 'spool', 'munge']) await mkdir(at(name), { recursive: true, mode: 0o700 });
  await writeFile(at('munge/key'), randomBytes(1024), { mode: 0o600 });
  await writeFile(at('slurm.conf'), configuration(folder, await freePort(), await freePort()));
  const env = { ...baseEnvironment(), SLURM_CONF: at('slurm.conf') };
  const start = (program: string, ...args: string[]): ChildProcess => spawn(program, args, { env, stdio: 'ignore' });
  const call = async (program: string, ...args: string[]) => (await run(program, args, { env })).stdout;
  const files = ['key-file', 'socket', 'pid-file', 'log-file', 'seed-file'].map(
    (name) => `--${name}=${at('munge')}/${name.replace('-file', '')}`,
  );
  const munged = start('munged', '--foreground', '--force', ...files);
  await ready(() => call('munge', `--socket=${at('munge/socket')}`, '--no-input'));
  let controller = start('slurmctld', '-D');
  const node = start('slurmd', '-D');
  await ready(async () => expect(await call('sinfo', '--noheader', '--format=%t')).toContain('idle'));
  const jobs = async (...only: string[]) => {
    const rows = await call('squeue', '--noheader', '--all', '--states=all', '--format=%i|%T', ...only);
    const lines = rows.split('\n').filter((line) => line !== '');
    return lines.map((line) => ({ id: line.split('|')[0] ?? '', state: line.split('|')[1] ?? '' }));
  };
  const gone = (id: string) =>
    ready(async () => expect((await jobs(`--jobs=${id}`))[0]?.state).toMatch(/FAILED|COMPLETED|CANCELLED/));
  return {
    command: ['env', `SLURM_CONF=${at('slurm.conf')}`],
    jobs: (name) => jobs(`--name=${name}`),
    cancel: async (id) => void (await call('scancel', id)),
    crash: async (id) => {
      // Children before parents, so that nobody is left to write a last word.
      const pids = (await call('scontrol', 'listpids', id)).match(/^\d+/gm) ?? [];
      for (const pid of pids.sort((a, b) => Number(a) - Number(b))) kill(Number(pid), 'SIGKILL');
      await gone(id);
    },
    killController: async (name) => {
      await ready(async () => expect(await readFile(at('state/job_state'), 'latin1')).toContain(name));
      await end(controller, 'SIGKILL');
    },
    startController: async () => {
      controller = start('slurmctld', '-D');
      await ready(() => call('squeue'));
    },
    close: async () => {
      const left = (await jobs().catch(() => [])).filter(({ state }) => ['PENDING', 'RUNNING'].includes(state));
      for (const { id } of left) await call('scancel', id).then(() => gone(id));
      for (const each of [node, controller, munged]) await end(each, 'SIGTERM');
    },
  };
}

function configuration(folder: string, controllerPort: number, nodePort: number): string {
  const host = hostname().split('.')[0] ?? '';
  const at = (name: string) => join(folder, name);
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=${controllerPort}
SlurmdPort=${nodePort}
AuthType=auth/munge
AuthInfo=socket=${at('munge/socket')}
CryptoType=crypto/munge
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool')}
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('slurmd.pid')}
SlurmctldLogFile=${at('slurmctld.log')}
SlurmdLogFile=${at('slurmd.log')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
KillWait=5
MinJobAge=300
ReturnToService=2
MailProg=/bin/true
SwitchType=switch/none
MpiDefault=none
NodeName=${host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=1000 State=UNKNOWN
PartitionName=cpu Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`;
}

async function ready(check: () => Promise<unknown>): Promise<void> {
  await vi.waitFor(check, { timeout: 120_000, interval: 250 });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
