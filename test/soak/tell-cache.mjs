// Loaded into a worker before anything else: writes every few seconds to `?to=` how many workflows it holds in memory.
import { renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { Worker } from '@temporalio/worker';

const file = new URL(import.meta.url).searchParams.get('to');
const everyMs = 5_000;
const workers = [];

if (file !== null && isMainThread && process.argv[1]?.endsWith('workers/main.js')) {
  const { run } = Worker.prototype;
  Worker.prototype.run = function (...args) {
    workers.push(this);
    return run.apply(this, args);
  };
  setInterval(() => {
    const cached = workers.reduce((sum, worker) => sum + worker.getStatus().numCachedWorkflows, 0);
    writeFileSync(`${file}.new`, String(cached));
    renameSync(`${file}.new`, file);
  }, everyMs).unref();
}
