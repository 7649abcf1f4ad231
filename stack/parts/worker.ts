import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { builtProgram } from './built-program.js';
import type { Env } from '../types.js';
import type { Part } from './part.js';
import { s3Environment } from './s3.js';
import { ensureTrainerEnvironments } from './trainer-environments.js';

/** The worker with all queues, as in development. */
export const worker: Part = {
  name: 'worker',
  needs: ['temporal', 's3'],
  after: ['temporal', 's3'],
  ports: {},
  // It finishes short activities first.
  graceMs: 15_000,
  describe: () => ({ address: '' }),
  install: async (context) => {
    builtProgram(join('workers', 'main.js'));
    await ensureTrainerEnvironments(context);
  },
  launch: async (context) => {
    await rm(context.paths.workerReady, { force: true });
    return {
      command: process.execPath,
      args: [builtProgram(join('workers', 'main.js'))],
      env: { ...workerEnvironment(context.env), ...(await s3Environment(context)) },
    };
  },
  isReady: async (context, record) => {
    const ready = JSON.parse(await readFile(context.paths.workerReady, 'utf8')) as { pid?: number };
    return ready.pid === record?.pid;
  },
};

/** All of ours: the worker is where references such as `env:NAME` are resolved. What would slow each start of Python is left out. */
function workerEnvironment(env: Env): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([name]) => name !== 'PYTHONDONTWRITEBYTECODE'));
}
