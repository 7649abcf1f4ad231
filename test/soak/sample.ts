import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const answerLimitMs = 60_000;

/** A process at one moment. */
export interface Sample {
  /** Since the watch began. */
  hours: number;
  /** What it has in memory, in kB. */
  rssKb: number;
  /** The same without the room in its heap that nobody uses. */
  inUseKb: number;
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
  const { cached, inUseKb } = await collected(pid, file);
  return {
    hours,
    rssKb: statusOf(pid, 'VmRSS'),
    inUseKb,
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

interface Answer {
  times: number;
  cached: number;
  inUseKb: number;
}

/** Lets the worker free what it does not use, and say what is left. */
async function collected(pid: number, file: string): Promise<Answer> {
  const before = answer(file)?.times ?? 0;
  process.kill(pid, 'SIGWINCH');
  for (const deadline = Date.now() + answerLimitMs; ; await sleep(20)) {
    const now = answer(file);
    if (now !== undefined && now.times > before) return now;
    if (Date.now() > deadline) throw new Error(`the worker ${pid} does not answer`);
  }
}

/** Undefined: none yet. */
function answer(file: string): Answer | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Answer;
  } catch {
    return undefined;
  }
}
