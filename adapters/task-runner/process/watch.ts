import { writeSync } from 'node:fs';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

/**
 * Loaded into a process of author code before anything else: a thread that also runs while that code blocks the event loop. It ends the
 * process group when the worker is gone, or when the process takes more memory than the `mostMb` of this file's URL.
 */
const everyMs = 500;
interface Watched {
  parent: number;
  mostBytes: number;
}

if (isMainThread) {
  const mostMb = Number(new URL(import.meta.url).searchParams.get('mostMb'));
  const watched: Watched = { parent: process.ppid, mostBytes: mostMb * 1024 * 1024 };
  new Worker(new URL(import.meta.url), { workerData: watched }).unref();
} else {
  const { parent, mostBytes } = workerData as Watched;
  setInterval(() => {
    const memory = process.memoryUsage.rss();
    if (memory > mostBytes)
      writeSync(2, `\nout of memory: the process holds ${Math.round(memory / 1024 / 1024)} MiB\n`);
    if (memory > mostBytes || process.ppid !== parent) process.kill(-process.pid, 'SIGKILL');
  }, everyMs);
}
