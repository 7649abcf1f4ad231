import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { unavailableCode } from '../../../plan/failures.js';
import { baseEnvironment, markerVariable, recordOf, type ProcessRecord } from '../../../processes/index.js';
import { packageRoot } from '../../package-root.js';

export type HostProcess = ChildProcessByStdio<Writable, Readable, Readable>;
/** What the process may need beyond its heap: buffers, code, the thread that watches it. */
const beyondHeapMb = 256;
const scarce = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'];

export interface HostOptions {
  /** The packed pipeline file. */
  file: string;
  pipeline: string;
  directory: string;
  memoryMb: number;
}

/** Starts a process for author code, in a group and a folder of its own; of our environment it sees what every process of ours may see. */
export async function spawnHost(
  o: HostOptions,
): Promise<{ child: HostProcess; record: ProcessRecord; folder: string }> {
  const own = (name: string) => join(packageRoot(), 'dist', name);
  const marker = randomUUID();
  const args = [
    `--max-old-space-size=${o.memoryMb}`,
    '--no-warnings',
    '--import',
    `${pathToFileURL(own('adapters/task-runner/process/watch.js')).href}?mostMb=${o.memoryMb + beyondHeapMb}`,
    own('authoring/task-host.js'),
    o.file,
    o.pipeline,
  ];
  await mkdir(o.directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(o.directory, 'process-'));
  try {
    const env = { ...baseEnvironment(), [markerVariable]: marker };
    const stdio: ['pipe', 'pipe', 'pipe'] = ['pipe', 'pipe', 'pipe'];
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio, detached: true, shell: false });
    if (child.pid === undefined) throw ((await once(child, 'error')) as [Error])[0];
    return { child, folder, record: recordOf(child.pid, { marker, command: process.execPath, args, logFile: '' }) };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw notStarted(error as NodeJS.ErrnoException);
  }
}

function notStarted(error: NodeJS.ErrnoException): Error {
  if (!scarce.includes(error.code ?? '')) return error;
  return new SlipwayError(
    {
      code: unavailableCode,
      message: `no process for task code can be started: ${error.message}`,
      fix: 'the machine has no descriptors, processes or memory left; raise `ulimit -n` and `ulimit -u`, or serve fewer queues here. It is tried again.',
    },
    exitCodes.temporary,
  );
}
