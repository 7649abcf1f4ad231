// Loaded into a worker before anything else. SIGWINCH, which ends nothing: its event loop stands still for `?ms=`; then a line is appended to `?to=`.
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { searchParams } = new URL(import.meta.url);
const to = searchParams.get('to');
const ms = Number(searchParams.get('ms'));

if (isMainThread && process.argv[1]?.endsWith('workers/main.js')) {
  process.on('SIGWINCH', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    appendFileSync(to, 'blocked\n');
  });
}
