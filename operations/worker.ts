import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../authoring/package-root.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { Env } from '../stack/index.js';

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

const program = join(packageRoot, 'dist', 'workers', 'main.js');

/** Runs a worker as a child in the foreground and answers its exit code. SIGTERM and SIGINT let it end its short work. */
export async function runWorker(o: WorkerOptions): Promise<number> {
  if (!existsSync(program)) throw notBuilt();
  const ready = o.ready ?? join(o.root, '.slipway', 'worker', `ready-${process.pid}.json`);
  const args = [
    ['--ready', ready],
    o.environment === undefined ? [] : ['--env', o.environment],
    o.queues === undefined ? [] : ['--queues', o.queues],
  ].flat();
  const child = spawn(process.execPath, [program, ...args], { cwd: o.root, env: o.env, stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', forward);
  process.on('SIGINT', forward);
  try {
    return await new Promise<number>((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) => done(code ?? exitCodes.temporary));
    });
  } finally {
    process.off('SIGTERM', forward);
    process.off('SIGINT', forward);
    await rm(ready, { force: true });
  }
}

function notBuilt(): SlipwayError {
  const fault = { code: 'E_ENVIRONMENT', where: program, message: 'the package is not built', fix: 'npm run build' };
  return new SlipwayError(fault, exitCodes.configuration);
}
