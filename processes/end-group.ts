import { setTimeout as delay } from 'node:timers/promises';

import { members } from './members.js';
import { bootId } from './proc-fs.js';
import { isAlive, type ProcessRecord } from './process-record.js';

const pollMs = 25;
/** Above the kernel's largest process id (2^22): a session that nobody has. */
const noPid = 2 ** 30;

/**
 * Ends the process of the record with all that it started: the group, and whoever left it but carries the marker.
 * SIGTERM first, SIGKILL after the grace; returns when all are gone. Calling it again, or for a dead process, does no harm.
 *
 * @param o.graceMs milliseconds between the two signals, default 5000
 */
export async function endGroup(record: ProcessRecord, o: { graceMs?: number } = {}): Promise<void> {
  const killAt = Date.now() + (o.graceMs ?? 5000);
  const asked = new Set<string>();
  let left = members(record);
  while (left.length > 0) {
    const force = Date.now() >= killAt;
    const signal = force ? 'SIGKILL' : 'SIGTERM';
    // Asked once each, also those that appear later; forced as often as it takes.
    const targets = left.filter(({ pid, startTime }) => force || !asked.has(`${pid}/${startTime}`));
    // One signal to the group reaches children that are being forked right now.
    const groupAsked = targets.some(({ pid }) => pid === record.pid) && isAlive(record);
    if (groupAsked) send(-record.pid, signal);
    for (const { pid, startTime, group } of targets) {
      asked.add(`${pid}/${startTime}`);
      // Twice the same signal means "at once" to some programs.
      if (!groupAsked || group !== record.pid) send(pid, signal);
    }
    await delay(pollMs);
    left = members(record);
  }
}

/** Ends all processes that carry a marker: for a start that was cut off before its record was written. */
export async function endMarked(marker: string, o: { graceMs?: number } = {}): Promise<void> {
  const nobody = { pid: noPid, startTime: '', command: '', args: [], startedAt: '', logFile: '' };
  await endGroup({ ...nobody, bootId: bootId(), marker }, o);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
