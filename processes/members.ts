import {
  bootId,
  hasInEnvironment,
  isRunning,
  type ProcessStat,
  pssBytes,
  runningProcesses,
  statOf,
} from './proc-fs.js';
import { isAlive, markerVariable, type ProcessRecord } from './process-record.js';

/** All running processes that belong to the record: its session, and whoever carries its marker. Never ourselves. */
export function members(record: ProcessRecord): ProcessStat[] {
  if (record.bootId !== bootId()) return [];
  // Once somebody else has the pid, a session of that number is theirs.
  const sessionIsOurs = isAlive(record) || !isRunning(statOf(record.pid));
  return runningProcesses().filter(
    ({ pid, session }) =>
      pid !== process.pid &&
      ((sessionIsOurs && session === record.pid) || hasInEnvironment(pid, markerVariable, record.marker)),
  );
}

/** Proportional set size (PSS) in bytes over all processes of the record, and how many they are; zeros when it is dead. */
export function memoryOf(record: ProcessRecord): { pssBytes: number; processes: number } {
  const all = members(record);
  return { pssBytes: all.reduce((sum, { pid }) => sum + pssBytes(pid), 0), processes: all.length };
}
