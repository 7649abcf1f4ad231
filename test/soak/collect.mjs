// Loaded into a worker and each of its threads before anything else. SIGWINCH, which ends nothing: all of them free the memory that
// nobody uses, then the worker writes to `?to=` how often they did so, what is left, and how many workflows it holds.
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { Worker } from '@temporalio/worker';

const file = new URL(import.meta.url).searchParams.get('to');
/** V8 hands the pages that it has freed back a moment later. */
const settlingMs = 1_000;

if (file !== null && (!isMainThread || process.argv[1]?.endsWith('workers/main.js'))) {
  setFlagsFromString('--expose-gc');
  const asked = new BroadcastChannel('collect').unref();
  const told = new BroadcastChannel('collected').unref();
  const collect = runInNewContext('gc');
  if (isMainThread) answerSignals(collect, asked, told);
  else {
    asked.onmessage = () => told.postMessage(roomAfter(collect));
    told.postMessage('here');
  }
}

/** The room in this thread's heap that V8 keeps although nobody uses it; other threads do not see it. */
function roomAfter(collect) {
  // What only dead objects held is free after the second time.
  collect();
  collect();
  const { total_heap_size, used_heap_size } = getHeapStatistics();
  return total_heap_size - used_heap_size;
}

function answerSignals(collect, asked, told) {
  const workers = [];
  const { run } = Worker.prototype;
  Worker.prototype.run = function (...args) {
    workers.push(this);
    return run.apply(this, args);
  };
  let times = 0;
  let threads = 1;
  let rooms = [];
  const add = async (room) => {
    rooms.push(room);
    if (rooms.length < threads) return;
    await sleep(settlingMs);
    const cached = workers.reduce((sum, worker) => sum + worker.getStatus().numCachedWorkflows, 0);
    const inUse = rooms.reduce((left, of) => left - of, process.memoryUsage.rss());
    writeFileSync(`${file}.new`, JSON.stringify({ times: ++times, cached, inUseKb: Math.round(inUse / 1_024) }));
    renameSync(`${file}.new`, file);
  };
  told.onmessage = ({ data }) => {
    if (data === 'here') threads += 1;
    else void add(data);
  };
  process.on('SIGWINCH', () => {
    rooms = [];
    asked.postMessage('');
    void add(roomAfter(collect));
  });
}
