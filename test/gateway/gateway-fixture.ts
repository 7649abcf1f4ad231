import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { type Inbox, openInbox } from '../../adapters/trainer/http/inbox.js';
import { endpointsOf } from '../../gateway/callbacks.js';
import { routeTable } from '../../gateway/routes.js';
import { gatewayServer, type GatewayOptions } from '../../gateway/server.js';
import { fakeStore, type FakeStore } from '../../testing/fakes/store.js';

export interface TestGateway {
  server: Server;
  port: number;
  store: FakeStore;
  inbox: Inbox;
  /** Keys that the trainer may sign with. */
  keys: Buffer[];
  /** What became of messages, as the log tells. */
  lines: Record<string, string>[];
  errors: unknown[];
  close(): Promise<void>;
}

/** A gateway in this process, with one trainer `push` in `dev` whose inbox is in memory. */
export async function startGateway(more: Partial<GatewayOptions> = {}, store = fakeStore()): Promise<TestGateway> {
  const inbox = openInbox(store, 'dev', 'push');
  const keys = [randomBytes(32)];
  const lines: Record<string, string>[] = [];
  const errors: unknown[] = [];
  const endpoints = endpointsOf([{ environment: 'dev', trainer: 'push', keys, inbox }], (line) => lines.push(line));
  const hosts = ['127.0.0.1', 'localhost'];
  const server = gatewayServer({
    routes: routeTable(endpoints),
    hosts,
    onError: (error) => errors.push(error),
    ...more,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { server, port, store, inbox, keys, lines, errors, close };
}

export interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Address that it comes from: each has a rate of its own. */
  from?: string;
}
export interface Got {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  body: { faults?: { code: string; message: string }[]; outcome?: string; reason?: string };
}

let sources = 0;
/** An address of this machine that nobody has used yet. */
export const freshSource = (): string => {
  sources += 1;
  return `127.1.${Math.floor(sources / 250)}.${(sources % 250) + 1}`;
};

export async function send(port: number, o: Sent): Promise<Got> {
  const sent = request({
    host: '127.0.0.1',
    port,
    localAddress: o.from ?? freshSource(),
    method: o.method ?? 'POST',
    path: o.path ?? '/callbacks/dev/push',
    headers: { 'content-type': 'application/json', ...o.headers },
    agent: false,
  });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  // A refused body is not read to its end.
  sent.on('error', () => undefined).end(o.body);
  const [response] = await answered;
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    body: (text.startsWith('{') ? JSON.parse(text) : {}) as Got['body'],
  };
}

/** Sends bytes as they are and answers what came back until the server hung up. */
export function sendRaw(port: number, text: string, keepSending?: string): Promise<string> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: freshSource() });
    let got = '';
    const drip = keepSending === undefined ? undefined : setInterval(() => socket.write(keepSending), 100);
    socket.on('data', (chunk) => (got += String(chunk)));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      done(got);
    });
    socket.write(text);
  });
}
/** The beginning of a request with further header lines. */
export const rawHead = (lines: string[]): string =>
  ['POST /callbacks/dev/push HTTP/1.1', 'Host: 127.0.0.1', 'Content-Type: application/json', ...lines, '', ''].join(
    '\r\n',
  );

/** Headers of a message that is signed as Standard Webhooks says. */
export function signed(
  body: string | Buffer,
  key: Buffer,
  o: { id?: string; timestamp?: string | number } = {},
): Record<string, string> {
  const id = o.id ?? `msg_${randomBytes(8).toString('hex')}`;
  const timestamp = String(o.timestamp ?? Math.floor(Date.now() / 1000));
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}

/** News of a job, as a service pushes them. */
export function news(key: string, more: Record<string, unknown> = {}, at = new Date()): string {
  const data = { format: 1, key, job: 'j-1', phase: 'running', note: null, progress: null, ...more };
  return JSON.stringify({ type: 'job', timestamp: at.toISOString(), data });
}
export const failed = { phase: 'failed', failure: { code: 'E_TRAINER_EXIT', message: 'no', transient: false } };
/** `news` of an end: without what only a running job has. */
export function endNews(key: string, more: Record<string, unknown> = failed): string {
  const data = { format: 1, key, job: 'j-1', ...more };
  return JSON.stringify({ type: 'job', timestamp: new Date().toISOString(), data });
}
export const newKey = (): string => randomBytes(32).toString('hex');
