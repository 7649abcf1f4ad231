import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from '../stack/index.js';
import { runProgram } from './run-program.js';

export interface WorkerOptions {
  root: string;
  env: Env;
  /** Whose namespace is served; default the configuration's default environment. */
  environment?: string;
  /** Such as `pipelines,jobs`; default all three. */
  queues?: string;
  /** Written once all queues are polled; default one of its own below `.slipway/worker`. */
  ready?: string;
}

/** Runs a worker as a child in the foreground and answers its exit code. SIGTERM and SIGINT let it end its short work. */
export async function runWorker(o: WorkerOptions): Promise<number> {
  const ready = o.ready ?? join(o.root, '.slipway', 'worker', `ready-${process.pid}.json`);
  const args = [
    ['--ready', ready],
    o.environment === undefined ? [] : ['--env', o.environment],
    o.queues === undefined ? [] : ['--queues', o.queues],
  ].flat();
  try {
    return await runProgram({ path: 'workers/main.js', args, root: o.root, env: o.env });
  } finally {
    await rm(ready, { force: true });
  }
}
