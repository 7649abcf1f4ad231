// Loaded into a worker before anything else. SIGWINCH, which ends nothing: it frees the memory that nobody uses, then writes to
// `?to=` how often it did so, what is left, and how many workflows it holds.
import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { Worker } from '@temporalio/worker';

const file = new URL(import.meta.url).searchParams.get('to');
const workers = [];
let times = 0;

if (file !== null && isMainThread && process.argv[1]?.endsWith('workers/main.js')) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const { run } = Worker.prototype;
  Worker.prototype.run = function (...args) {
    workers.push(this);
    return run.apply(this, args);
  };
  process.on('SIGWINCH', () => {
    collect();
    const cached = workers.reduce((sum, worker) => sum + worker.getStatus().numCachedWorkflows, 0);
    const { rss, heapTotal, heapUsed } = process.memoryUsage();
    // V8 keeps room in its heap that it has freed.
    const inUse = rss - (heapTotal - heapUsed);
    writeFileSync(`${file}.new`, JSON.stringify({ times: ++times, cached, inUseKb: Math.round(inUse / 1_024) }));
    renameSync(`${file}.new`, file);
  });
}
