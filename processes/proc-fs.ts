import { readdirSync, readFileSync } from 'node:fs';

/** What `/proc/PID/stat` says about one process. */
export interface ProcessStat {
  pid: number;
  /** One letter; `Z` and `X` are dead. */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Field 22, in clock ticks since boot: with the boot id it tells a reused pid from the process that we started. */
  startTime: string;
}

/** Reads a file below `/proc`; undefined when the process is gone or belongs to somebody else. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** The status line of a process, zombies included; undefined when there is no such process. */
export function statOf(pid: number): ProcessStat | undefined {
  const text = readProc(`${pid}/stat`);
  if (text === undefined) return undefined;
  // The command name may itself hold spaces and brackets: the fields begin after the last bracket.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
  const [state, parent, group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return undefined;
  return { pid, state, parent: Number(parent), group: Number(group), session: Number(session), startTime };
}

/** True for a process that still runs (a zombie has ended and only waits for its parent). */
export function isRunning(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** All running processes that this machine shows us. */
export function runningProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter(isRunning);
}

/** True when the process was started with `name=value` in its environment. Processes of other users answer false. */
export function hasInEnvironment(pid: number, name: string, value: string): boolean {
  return readProc(`${pid}/environ`)?.split('\0').includes(`${name}=${value}`) ?? false;
}

/** Proportional memory of one process in bytes; 0 when it is gone or may not be read. */
export function pssBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readProc(`${pid}/smaps_rollup`) ?? '');
  return Number(match?.[1] ?? 0) * 1024;
}

/** Names this boot of the machine: pids and start times mean nothing across boots. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
