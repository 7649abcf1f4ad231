import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { z } from 'zod';

import { renewSchema, routeSchema } from '../../adapters/router/agent/messages.js';
import { exitCodes, type Fault, printable, SlipwayError } from '../../plan/errors.js';
import { pointerStep, withoutUndefined } from '../../plan/json.js';
import type { RouterAgent } from './router-agent.js';

const maxBodyBytes = 64 * 1024;
const statusOf: Record<string, number> = {
  E_EPOCH: 409,
  E_LEASE_EXPIRED: 409,
  E_UNAVAILABLE: 503,
  E_ROUTE: 400,
  E_JSON: 400,
  E_HOST: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_BODY_SIZE: 413,
  E_CONTENT_TYPE: 415,
};

/** The agent's HTTP interface. Refusals are `{ faults: [{ code, message, where?, fix? }] }`. */
export function routerAgentServer(agent: RouterAgent, ready: () => Promise<boolean>): Server {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    answer(agent, ready, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => sendError(response, error),
    );
  });
  return server;
}

interface Answer {
  status: number;
  body: unknown;
}

async function answer(agent: RouterAgent, ready: () => Promise<boolean>, request: IncomingMessage): Promise<Answer> {
  checkHost(request);
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (path === '/healthz' && request.method === 'GET') {
    const ok = await ready();
    return { status: ok ? 200 : 503, body: { ready: ok } };
  }
  const [, service, action] = /^\/services\/([a-z0-9-]{1,64})(\/renew)?$/.exec(path) ?? [];
  if (service === undefined)
    throw refusal('E_NOT_FOUND', `no such path; known are /services/:service, /services/:service/renew, /healthz`);
  const state = await handle(agent, request, service, action !== undefined);
  if (state === undefined) throw refusal('E_NOT_FOUND', `no such service`, service);
  return { status: 200, body: state };
}

async function handle(agent: RouterAgent, request: IncomingMessage, service: string, renewal: boolean) {
  const call = `${request.method} ${renewal ? 'renew' : 'service'}`;
  if (call === 'GET service') return agent.read(service);
  if (call === 'PUT service') {
    const route = parse(routeSchema, await readJson(request));
    if (route.service !== service) throw refusal('E_ROUTE', `must be the service of the path, ${service}`, '/service');
    return agent.apply(route);
  }
  if (call === 'POST renew') {
    const { epoch, expiresAt } = parse(renewSchema, await readJson(request));
    return agent.renew(service, epoch, expiresAt);
  }
  throw refusal('E_METHOD', `${renewal ? 'POST' : 'GET and PUT'} only`);
}

/** A page in a browser can reach loopback under a name of its own: only our own names are answered. */
function checkHost(request: IncomingMessage): void {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (name !== '127.0.0.1' && name !== 'localhost') {
    throw refusal('E_HOST', `host ${printable(name)} is not served; known are 127.0.0.1, localhost`);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw refusal('E_CONTENT_TYPE', 'the body must be application/json');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw refusal('E_BODY_SIZE', `the body may have at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw refusal('E_JSON', 'the body is not JSON');
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }): Fault => {
    return {
      code: 'E_ROUTE',
      message: printable(message, 400),
      where: path.map((step) => pointerStep(String(step))).join(''),
    };
  });
  throw new SlipwayError(faults);
}

function refusal(code: string, message: string, where?: string): SlipwayError {
  return new SlipwayError({ code, message, ...withoutUndefined({ where }) }, exitCodes.data);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof SlipwayError) {
    send(response, statusOf[error.code] ?? 500, { faults: error.faults });
    return;
  }
  console.error(error);
  send(response, 500, { faults: [{ code: 'E_INTERNAL', message: 'the router agent failed; its log says why' }] });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  // What was not read of a refused body must not be taken for the next request.
  if (status >= 400) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
