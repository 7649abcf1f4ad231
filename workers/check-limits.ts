import { readFile } from 'node:fs/promises';
import { SlipwayError, exitCodes } from '../plan/errors.js';

/** What a worker holds open at rest, and as much again for uploads, jobs and model servers. */
const leastOpenFiles = 256;

/** Refuses to start where files and sockets would run out amid a run. Throws `E_LIMITS` (78). */
export async function checkLimits(): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined || Number(soft) >= leastOpenFiles) return;
  throw new SlipwayError(
    {
      code: 'E_LIMITS',
      where: 'open files',
      message: `this process may open ${soft} files and sockets; a worker needs at least ${leastOpenFiles}`,
      fix: 'Raise it (`ulimit -n 4096`, LimitNOFILE= of a systemd unit). Runs go on with the workers that there are.',
    },
    exitCodes.configuration,
  );
}
