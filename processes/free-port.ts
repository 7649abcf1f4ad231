import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range that the kernel gives to outgoing connections (32768 and up on Linux): one of those could take the port between the look and the use. */
const lowest = 15_000;
const highest = 32_000;
const tries = 200;

/** A port of 127.0.0.1 that nobody listens on at this moment: the preferred one if it is free, else any. */
export async function freePort(preferred = 0): Promise<number> {
  if (preferred > 0 && (await isFree(preferred))) return preferred;
  for (let i = 0; i < tries; i++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) return port;
  }
  throw new Error('No port of 127.0.0.1 can be listened on.');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
