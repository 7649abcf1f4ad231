import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Transform } from 'node:stream';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  /** `host:port`. */
  address: string;
  /** Resets all connections; new ones are reset at once until `heal`. */
  cut(): void;
  /** Connections stay open, but nothing goes through until `heal`. */
  hang(): void;
  /** Each piece of data comes late, and some reset their connection instead, until `heal`. Answers what it did so far. */
  disturb(how: Disturbance): () => { pieces: number; resets: number };
  heal(): void;
  close(): Promise<void>;
}

export interface Disturbance {
  /** Added each way. */
  latencyMs: number;
  /** Share of the pieces that reset their connection, 0 to 1. */
  resets: number;
  /** 0 to 1. */
  random: () => number;
}

/** A proxy before a server whose messages cannot be told apart (gRPC): faults of whole connections. */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const [host = '', port = ''] = target.split(':');
  const pairs = new Set<[Socket, Socket]>();
  let state: 'up' | 'cut' | 'hanging' = 'up';
  let lateness = 0;
  let isReset = (): boolean => false;
  const server = createServer((client) => {
    if (state === 'cut') return void client.resetAndDestroy();
    const upstream = connect(Number(port), host);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    const reset = () => pair.forEach((socket) => void socket.resetAndDestroy());
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      from
        .pipe(
          line(
            () => lateness,
            () => isReset(),
            reset,
          ),
        )
        .pipe(to);
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
    disturb: ({ latencyMs, resets, random }) => {
      const done = { pieces: 0, resets: 0 };
      lateness = latencyMs;
      isReset = () => {
        done.pieces++;
        const hit = random() < resets;
        if (hit) done.resets++;
        return hit;
      };
      return () => done;
    },
    heal: () => {
      state = 'up';
      lateness = 0;
      isReset = () => false;
      each((socket) => void socket.resume());
    },
    close: async () => {
      each((socket) => void socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

/** One way of a connection. What is late overtakes nothing, and holds up nothing that comes after it for longer than itself. */
function line(lateness: () => number, isReset: () => boolean, reset: () => void): Transform {
  let underWay = 0;
  let before: Promise<unknown> = Promise.resolve();
  return new Transform({
    transform(piece: Buffer, _encoding, taken) {
      if (isReset()) return reset();
      const ms = lateness();
      if (ms === 0 && underWay === 0) return taken(null, piece);
      underWay++;
      const due = sleep(ms);
      before = Promise.all([before, due]).then(() => {
        underWay--;
        if (!this.destroyed) this.push(piece);
      });
      taken();
    },
    flush(ended) {
      void before.then(() => ended());
    },
  });
}
