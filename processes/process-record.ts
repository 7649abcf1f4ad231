import { readFile } from 'node:fs/promises';

import { bootId, isRunning, statOf } from './proc-fs.js';

/** What is kept on disk about a detached process, so that a later process can recognise and end it. */
export interface ProcessRecord {
  pid: number;
  /** Field 22 of `/proc/PID/stat`, in clock ticks since boot. */
  startTime: string;
  bootId: string;
  /** Value of `SLIPWAY_MARKER` in the environment of the process and of all that it starts. */
  marker: string;
  command: string;
  args: string[];
  /** ISO 8601. */
  startedAt: string;
  logFile: string;
  /** What its starter wants to find again, such as a port. */
  facts?: Record<string, string | number>;
}

/** Environment variable by which processes that left their group are found again. */
export const markerVariable = 'SLIPWAY_MARKER';

/** Reads a record; undefined when the file is missing or holds no record. */
export async function readRecord(file: string): Promise<ProcessRecord | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is ProcessRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Record<string, unknown>;
  const texts = ['startTime', 'bootId', 'marker', 'command', 'startedAt', 'logFile'];
  // A pid of 0 or 1 would address our own group or all processes.
  return (
    Number.isSafeInteger(record['pid']) &&
    Number(record['pid']) > 1 &&
    texts.every((key) => typeof record[key] === 'string')
  );
}

/** True while the very process of the record runs: pid, start time and boot agree, and it is no zombie. */
export function isAlive(record: ProcessRecord): boolean {
  const stat = statOf(record.pid);
  return isRunning(stat) && stat.startTime === record.startTime && bootId() === record.bootId;
}
