import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const answerLimitMs = 60_000;

/** A process at one moment. */
export interface Sample {
  /** Since the watch began. */
  hours: number;
  /** What it has in memory, in kB, before what nobody uses is freed. */
  rssBeforeKb: number;
  /** The same after that. */
  rssKb: number;
  /** Open files and sockets. */
  descriptors: number;
  threads: number;
  /** Child processes. */
  children: number;
  /** Workflows that the worker holds in memory. */
  cached: number;
}

/** Looks into `/proc` of a worker into which `collect.mjs` was loaded, which writes `file`. Throws when the worker is gone. */
export async function sample(pid: number, file: string, hours: number): Promise<Sample> {
  const rssBeforeKb = statusOf(pid, 'VmRSS');
  const cached = await collected(pid, file);
  return {
    hours,
    rssBeforeKb,
    rssKb: statusOf(pid, 'VmRSS'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: statusOf(pid, 'Threads'),
    children: readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length,
    cached,
  };
}

function statusOf(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}

/** Lets the worker free what it does not use; answers how many workflows it holds. */
async function collected(pid: number, file: string): Promise<number> {
  const before = answer(file).times;
  process.kill(pid, 'SIGWINCH');
  for (const deadline = Date.now() + answerLimitMs; ; await sleep(20)) {
    const { times, cached } = answer(file);
    if (times > before) return cached;
    if (Date.now() > deadline) throw new Error(`the worker ${pid} does not answer`);
  }
}

function answer(file: string): { times: number; cached: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { times: number; cached: number };
  } catch {
    // None yet.
    return { times: 0, cached: 0 };
  }
}
