import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';

import { printable } from '../plan/errors.js';
import { admit } from './access.js';
import { Bodies } from './bodies.js';
import { rateLimit, type RateLimit } from './rate-limit.js';
import { answerTo, refusal, TooOften } from './refusals.js';
import type { Route } from './routes.js';

/** What one request may cost. */
export const limits = {
  requestMs: 15_000,
  headersMs: 10_000,
  connections: 100,
  connectionsPerSource: 50,
  perSource: 10,
  total: 100,
} as const;

export interface GatewayOptions {
  routes: readonly Route[];
  /** Host names that are answered, without port, lower case. */
  hosts: readonly string[];
  tls?: { certificate: string; key: string };
  /** Is told of errors that no caller is told of. */
  onError(error: unknown): void;
  /** Longest work on one request in milliseconds; default 15 s. */
  requestMs?: number;
}

/** The gateway as an HTTP server that does not listen yet. Refusals are `{ faults: [{ code, message, where?, fix? }] }`. */
export function gatewayServer(o: GatewayOptions): Server {
  const rate = rateLimit(limits.perSource, limits.total);
  const bodies = new Bodies();
  const requestMs = o.requestMs ?? limits.requestMs;
  const settings = {
    requestTimeout: requestMs,
    headersTimeout: Math.min(limits.headersMs, requestMs),
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 500,
    maxHeaderSize: 16 * 1024,
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(o, rate, bodies, request, requestMs).then(
      (body) => send(response, 200, body),
      (error: unknown) => sendError(o, response, error),
    );
  };
  const server: Server =
    o.tls === undefined
      ? createPlain(settings, listener)
      : createTls({ ...settings, cert: o.tls.certificate, key: o.tls.key, minVersion: 'TLSv1.2' }, listener);
  server.maxConnections = limits.connections;
  limitSources(server);
  return server;
}

/** One source cannot take all connections. */
function limitSources(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const source = socket.remoteAddress ?? '';
    const count = (open.get(source) ?? 0) + 1;
    if (count > limits.connectionsPerSource) return void socket.destroy();
    open.set(source, count);
    socket.once('close', () => {
      const left = (open.get(source) ?? 1) - 1;
      if (left > 0) open.set(source, left);
      else open.delete(source);
    });
  });
}

/** Cheap checks first; the body is read only for a route, and believed only after its caller was admitted. */
async function answer(
  o: GatewayOptions,
  rate: RateLimit,
  bodies: Bodies,
  request: IncomingMessage,
  requestMs: number,
): Promise<Record<string, unknown>> {
  const seconds = rate.take(request.socket.remoteAddress ?? '');
  if (seconds > 0) throw new TooOften(seconds);
  checkOrigin(request, o.hosts);
  const [path = ''] = (request.url ?? '').split('?');
  const matching = o.routes.flatMap((route) => {
    const match = route.pattern.exec(path);
    return match === null ? [] : [{ route, params: { ...match.groups } as Record<string, string> }];
  });
  if (matching.length === 0) throw refusal('E_NOT_FOUND', 'there is no such path');
  const found = matching.find(({ route }) => route.method === request.method);
  if (found === undefined) throw refusal('E_METHOD', 'this path has no such method');
  const { route, params } = found;
  const handle = async (body: Uint8Array): Promise<Record<string, unknown>> => {
    const call = { headers: request.headers, body, params, nowMs: Date.now() };
    const caller = admit(route.access, call);
    return within(requestMs, route.handle(call, caller));
  };
  return route.method === 'POST' ? bodies.with(request, route.bodyBytes, handle) : handle(new Uint8Array());
}

/** A page in a browser can reach loopback under a name of its own, and can send requests of its own. */
function checkOrigin({ headers }: IncomingMessage, hosts: readonly string[]): void {
  const host = (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
  if (!hosts.includes(host)) throw refusal('E_HOST', `host ${printable(host, 60)} is not served`);
  const browser = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
  if (browser) throw refusal('E_ORIGIN', 'requests of web pages are not taken');
  const override = ['x-http-method-override', 'x-http-method', 'x-method-override'].some((name) => name in headers);
  if (override) throw refusal('E_ORIGIN', 'a request has one method');
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(refusal('E_UNAVAILABLE', `no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function sendError(o: GatewayOptions, response: ServerResponse, error: unknown): void {
  // The client went away in the middle of its own request.
  if (response.destroyed) return;
  const { status, faults } = answerTo(error);
  if (status >= 500) o.onError(error);
  if (error instanceof TooOften) response.setHeader('retry-after', String(error.retryAfter));
  send(response, status, { faults });
}

function send(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  // What was not read of a refused body must not be taken for the next request.
  if (status >= 400) response.setHeader('connection', 'close');
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
