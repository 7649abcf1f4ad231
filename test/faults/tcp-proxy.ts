import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  /** `host:port`. */
  address: string;
  /** Resets all connections; new ones are reset at once until `heal`. */
  cut(): void;
  /** Connections stay open, but nothing goes through until `heal`. */
  hang(): void;
  heal(): void;
  close(): Promise<void>;
}

/** A proxy before a server whose messages cannot be told apart (gRPC): faults of whole connections. */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const [host = '', port = ''] = target.split(':');
  const pairs = new Set<[Socket, Socket]>();
  let state: 'up' | 'cut' | 'hanging' = 'up';
  const server = createServer((client) => {
    if (state === 'cut') return void client.resetAndDestroy();
    const upstream = connect(Number(port), host);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      from.pipe(to);
      if (state === 'hanging') from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const each = (work: (socket: Socket) => void) => [...pairs].flat().forEach(work);
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      state = 'cut';
      each((socket) => void socket.resetAndDestroy());
    },
    hang: () => {
      state = 'hanging';
      each((socket) => void socket.pause());
    },
    heal: () => {
      state = 'up';
      each((socket) => void socket.resume());
    },
    close: async () => {
      each((socket) => void socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}
