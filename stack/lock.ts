import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 200;

/** Gives back a lock. */
export type Release = () => Promise<void>;

/**
 * Takes a lock of this machine by name; undefined when another process (or another caller in this one) holds it.
 * The lock is an abstract socket: the kernel frees it when its holder dies, so that none is ever stale.
 */
export async function tryLock(name: string): Promise<Release | undefined> {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(`\0slipway-${digest}`);
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

/** Runs `work` while holding the lock of that name; waits for it as long as it takes. `onWait` is told once if it must wait. */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  let release = await tryLock(name);
  if (release === undefined) onWait();
  while (release === undefined) {
    await delay(pollMs);
    release = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
