import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What happens to a request: it passes, perhaps after a delay; it reaches the server but the client gets a 500, or a reset
 * connection; it reaches the server twice, as from a client that retries by itself; its body reaches the server with one bit
 * flipped, or the answer's body the client; the answer breaks off in the middle of its body; nobody ever answers; the client
 * gets this answer and the server nothing; somebody is killed before the server saw it, or after the server answered it; or
 * it is held, for as long as one likes.
 */
export type Fate =
  | 'pass'
  | 'lose-answer'
  | 'reset-after'
  | 'twice'
  | 'change-bytes'
  | 'change-answer'
  | 'break-off'
  | 'black-hole'
  | { delayMs: number }
  | { status: number; type: string; body: string }
  | Kill
  | Hold;

/** `kill` ends a process at once. When that one is the caller, nothing is forwarded after `before`, and nobody hears the answer. */
export interface Kill {
  kill: () => void;
  when: 'before' | 'after';
  callerDies: boolean;
}

/** The whole request waits for `until`; `answered` is told what the server said to it then. */
export interface Hold {
  until: () => Promise<unknown>;
  answered: (status: number) => void;
}

/** A request as the proxy saw it. */
export interface Call {
  method: string;
  path: string;
  /** The client's own name for itself, such as `Boto3/1.43`. */
  agent: string;
  headers: IncomingHttpHeaders;
}

export interface FaultyProxy {
  url: string;
  /** Decides the fate of each request from now on. */
  meddle(decide: (call: Call) => Fate): void;
  /** Changes the body of each successful answer from now on. */
  rewrite(change: (body: string, path: string) => string): void;
  /** Is told of each answer of the server from now on, whether the client gets it or not. */
  watch(note: (call: Call, status: number, sent: Buffer) => void): void;
  close(): Promise<void>;
}

/** How a proxy behaves now. */
interface Behaviour {
  target: string;
  decide: (call: Call) => Fate;
  change?: (body: string, path: string) => string;
  note: (call: Call, status: number, sent: Buffer) => void;
}

/** A proxy before a real server, for the faults that a real server does not make on demand. `port`: default any. */
export async function faultyProxy(target: string, port = 0): Promise<FaultyProxy> {
  const behaviour: Behaviour = { target, decide: () => 'pass', note: () => undefined };
  const server = createServer((incoming, answer) => {
    handle(behaviour, incoming, answer).catch(() => answer.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    meddle: (next) => void (behaviour.decide = next),
    rewrite: (next) => void (behaviour.change = next),
    watch: (next) => void (behaviour.note = next),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function handle(behaviour: Behaviour, incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  const call = {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    agent: incoming.headers['user-agent'] ?? '',
    headers: incoming.headers,
  };
  const fate = behaviour.decide(call);
  const sent = await collect(incoming);
  if (fate === 'black-hole') return;
  if (typeof fate === 'object' && 'status' in fate) {
    answer.writeHead(fate.status, { 'content-type': fate.type }).end(fate.body);
    return;
  }
  if (typeof fate === 'object' && 'delayMs' in fate) await sleep(fate.delayMs);
  if (isKill(fate, 'before')) {
    fate.kill();
    if (fate.callerDies) return void answer.destroy();
  }
  const held = typeof fate === 'object' && 'until' in fate ? fate : undefined;
  await held?.until();
  if (fate === 'change-bytes' && sent[0] !== undefined) sent[0] ^= 1;
  const send = async () => {
    const got = await forward(behaviour.target, incoming, sent);
    behaviour.note(call, got.status, sent);
    return got;
  };
  if (fate === 'twice') await send();
  const got = await send();
  held?.answered(got.status);
  if (isKill(fate, 'after')) {
    fate.kill();
    if (fate.callerDies) return void answer.destroy();
  }
  reply(behaviour, fate, call, got, answer);
}

function isKill(fate: Fate, when: Kill['when']): fate is Kill {
  return typeof fate === 'object' && 'kill' in fate && fate.when === when;
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

function reply(
  { change }: Behaviour,
  fate: Fate,
  call: Call,
  { status, headers, body }: Answer,
  answer: ServerResponse,
): void {
  if (fate === 'reset-after') return void answer.destroy();
  if (fate === 'lose-answer') {
    answer.writeHead(500, { 'content-type': 'text/plain' }).end('lost');
    return;
  }
  if (fate === 'break-off') {
    answer.writeHead(status, headers);
    answer.write(body.subarray(0, body.length / 2), () => answer.destroy());
    return;
  }
  if (fate === 'change-answer' && body[0] !== undefined) body[0] ^= 1;
  const changed = change && status === 200 ? Buffer.from(change(body.toString('utf8'), call.path)) : body;
  const length = call.method === 'HEAD' ? {} : { 'content-length': String(changed.length) };
  answer.writeHead(status, { ...headers, ...length }).end(changed);
}

async function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
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
