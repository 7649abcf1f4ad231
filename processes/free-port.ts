import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port of 127.0.0.1 that nobody listens on at this moment: the preferred one if it is free, else any. */
export async function freePort(preferred = 0): Promise<number> {
  const port = (await listenBriefly(preferred)) ?? (await listenBriefly(0));
  if (port === undefined) throw new Error('No port of 127.0.0.1 can be listened on.');
  return port;
}

async function listenBriefly(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? address?.port : undefined;
}
