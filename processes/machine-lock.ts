import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 50;

/**
 * Runs `work` while nobody else on this machine, in this process or another, holds the lock of that name; waits for it before.
 * The lock is an abstract socket: the kernel frees it when its holder dies, so that none is ever stale.
 *
 * @throws the signal's reason when it is aborted while waiting
 */
export async function withMachineLock<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let release = await tryMachineLock(name);
  while (release === undefined) {
    await delay(pollMs, undefined, signal ? { signal } : {});
    release = await tryMachineLock(name);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Takes the lock of that name and answers how to give it back; undefined when somebody holds it. */
export async function tryMachineLock(name: string): Promise<(() => Promise<void>) | undefined> {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(`\0slipway-lock-${digest}`);
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return async () => {
    server.close();
    await once(server, 'close');
  };
}
