import { readdir, readFile } from 'node:fs/promises';

import { markerVariable } from '../../processes/index.js';

/** Pids of all processes of this machine that carry the marker and have not ended. */
export async function markedProcesses(marker: string): Promise<number[]> {
  const found = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map(async (pid) => {
      const variables = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
      const runs = state !== '' && state !== 'Z' && state !== 'X';
      return runs && variables.split('\0').includes(`${markerVariable}=${marker}`) ? [Number(pid)] : [];
    });
  return (await Promise.all(found)).flat();
}
