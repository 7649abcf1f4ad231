import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens to a request: it passes; it reaches the server but the client gets a 500; it reaches the server twice,
 * as from a client that retries by itself; its body reaches the server with one bit flipped; the answer breaks off in
 * the middle of its body; or the client gets this answer and the server nothing.
 */
export type Fate =
  | 'pass'
  | 'lose-answer'
  | 'twice'
  | 'change-bytes'
  | 'break-off'
  | { status: number; type: string; body: string };

export interface FaultyProxy {
  url: string;
  /** Decides the fate of each request from now on. */
  meddle(decide: (request: { method: string; path: string }) => Fate): void;
  /** Changes the body of each successful answer from now on. */
  rewrite(change: (body: string, path: string) => string): void;
  close(): Promise<void>;
}

/** A proxy before a real server, for the faults that a real server does not make on demand. */
export async function faultyProxy(target: string): Promise<FaultyProxy> {
  let decide: (request: { method: string; path: string }) => Fate = () => 'pass';
  let change: ((body: string, path: string) => string) | undefined;
  const server = createServer((incoming, answer) => {
    handle(target, incoming, answer, decide({ method: incoming.method ?? '', path: incoming.url ?? '' }), change).catch(
      () => answer.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    meddle: (next) => void (decide = next),
    rewrite: (next) => void (change = next),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function handle(
  target: string,
  incoming: IncomingMessage,
  answer: ServerResponse,
  fate: Fate,
  change: ((body: string, path: string) => string) | undefined,
): Promise<void> {
  const sent = await collect(incoming);
  if (typeof fate === 'object') {
    answer.writeHead(fate.status, { 'content-type': fate.type }).end(fate.body);
    return;
  }
  if (fate === 'change-bytes' && sent[0] !== undefined) sent[0] ^= 1;
  if (fate === 'twice') await forward(target, incoming, sent);
  const { status, headers, body } = await forward(target, incoming, sent);
  if (fate === 'lose-answer') {
    answer.writeHead(500, { 'content-type': 'text/plain' }).end('lost');
    return;
  }
  if (fate === 'break-off') {
    answer.writeHead(status, headers);
    answer.write(body.subarray(0, body.length / 2), () => answer.destroy());
    return;
  }
  const changed = change && status === 200 ? Buffer.from(change(body.toString('utf8'), incoming.url ?? '')) : body;
  const length = incoming.method === 'HEAD' ? {} : { 'content-length': String(changed.length) };
  answer.writeHead(status, { ...headers, ...length }).end(changed);
}

async function forward(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  // The host header stays the client's: it is part of what S3 clients sign.
  const outgoing = request(new URL(incoming.url ?? '/', target), {
    method: incoming.method,
    headers: { ...incoming.headers, connection: 'close' },
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { 'transfer-encoding': _chunked, ...headers } = response.headers;
  return { status: response.statusCode ?? 502, headers, body: await collect(response) };
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
