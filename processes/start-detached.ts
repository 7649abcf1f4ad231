import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

import { endGroup } from './end-group.js';
import { markerVariable, type ProcessRecord } from './process-record.js';
import { recordOf } from './record-of.js';
import { writeFileAtomic } from './write-file-atomic.js';

export interface StartOptions {
  command: string;
  args: string[];
  /** The whole environment of the process: nothing is added but the marker. */
  env: Record<string, string>;
  cwd: string;
  /** Standard output and error are appended here (mode 0600). */
  logFile: string;
  /** Where the record is written (mode 0600). */
  recordFile: string;
  /** Tells the processes of this start from all others, also after they left the group. */
  marker: string;
  facts?: Record<string, string | number>;
}

/**
 * Starts a process that outlives us, in a session of its own, and records it on disk.
 *
 * @returns the record as written; the process runs but need not be ready
 * @throws the error of spawn (ENOENT, EACCES) when it cannot be started, and of the file system when it cannot be recorded
 */
export async function startDetached(o: StartOptions): Promise<ProcessRecord> {
  mkdirSync(dirname(o.logFile), { recursive: true });
  const log = openSync(o.logFile, 'a', 0o600);
  const child = spawn(o.command, o.args, {
    cwd: o.cwd,
    env: { ...o.env, [markerVariable]: o.marker },
    stdio: ['ignore', log, log],
    detached: true,
    shell: false,
  });
  const { marker, command, args, logFile, facts } = o;
  const record =
    child.pid === undefined
      ? undefined
      : recordOf(child.pid, { marker, command, args, logFile, ...(facts && { facts }) });
  closeSync(log);
  child.unref();
  if (record === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  try {
    await writeFileAtomic(o.recordFile, `${JSON.stringify(record, null, 2)}\n`, 0o600);
  } catch (error) {
    // Unrecorded it could never be ended.
    await endGroup(record, { graceMs: 0 });
    throw error;
  }
  return record;
}
