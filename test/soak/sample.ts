import { readdirSync, readFileSync } from 'node:fs';

/** A process at one moment. */
export interface Sample {
  /** Since the watch began. */
  hours: number;
  /** What it has in memory, in kB. */
  rssKb: number;
  /** Open files and sockets. */
  descriptors: number;
  threads: number;
  /** Child processes. */
  children: number;
  /** Workflows that the worker holds in memory. */
  cached: number;
}

/** Looks into `/proc`. Throws when the process is gone. `cacheFile`: written by `tell-cache.mjs`. */
export function sample(pid: number, cacheFile: string, hours: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    hours,
    rssKb: of('VmRSS'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: of('Threads'),
    children: readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length,
    cached: Number(readFileSync(cacheFile, 'utf8')),
  };
}
