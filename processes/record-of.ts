import { bootId, statOf } from './proc-fs.js';
import type { ProcessRecord } from './process-record.js';

/** The record of a process that was started just now; kept in memory or written down by its starter. */
export function recordOf(
  pid: number,
  facts: Omit<ProcessRecord, 'pid' | 'startTime' | 'bootId' | 'startedAt'>,
): ProcessRecord {
  // Read at once: even a process that ended already keeps its entry until our event loop reaps it.
  const startTime = statOf(pid)?.startTime ?? '0';
  return { pid, startTime, bootId: bootId(), startedAt: new Date().toISOString(), ...facts };
}
