import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { withDeadline } from '../../deadline.js';
import { egress } from './egress.js';
import { mostMessageBytes } from './messages.js';

/** Whoever stands before the service says these in HTML or without a word. */
const plainStatuses: readonly number[] = [401, 403, 404, 405];

export interface Call {
  method: 'GET' | 'PUT' | 'POST';
  /** Below the base address, beginning with a slash. */
  path: string;
  body?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}
/** An answer that is JSON, of whatever status; or one that says all by its status, with undefined for what is no JSON. */
export interface Answer {
  status: number;
  body: unknown;
  /** The address asked, for faults. */
  url: string;
}
export interface Service {
  url: string;
  networks: readonly string[];
  timeoutMs: number;
  /** The token's value, asked for each request. */
  token: () => string | undefined;
}

/**
 * Asks the service. Redirects are not followed, compressed, huge, slow and non-JSON answers are refused, but for those that only refuse.
 *
 * @throws SlipwayError `E_UNAVAILABLE` (75) when the same call may succeed later (no answer in time, 408, 425, 429, 5xx),
 *   `E_TRAINER_PROTOCOL` when what answers does not speak the protocol, `E_URL_FORBIDDEN` (77) for an address that may not be reached
 */
export async function exchange(service: Service, call: Call): Promise<Answer> {
  const url = new URL(service.url.replace(/\/+$/, '') + call.path);
  return await withDeadline(service.timeoutMs, call.signal, async (limit) => {
    try {
      const response = await send(service, url, call, limit);
      return await read(response, url);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof SlipwayError) throw error;
      const reason = limit.aborted ? `no whole answer within ${service.timeoutMs} ms` : reasonOf(error);
      throw unavailable(`the service does not answer: ${reason}`, url.href);
    }
  });
}

/** `E_UNAVAILABLE`: the same call may succeed later. */
export function unavailable(message: string, where: string): SlipwayError {
  const fix = 'It is asked again; see that the service runs and that `url` in slipway.config.ts is its address.';
  return new SlipwayError({ code: 'E_UNAVAILABLE', message, where, fix }, exitCodes.temporary);
}

/** `E_TRAINER_PROTOCOL`: what answers is not what we talk to. */
export function protocolFault(message: string, where: string): SlipwayError {
  const fix = 'See that `url` in slipway.config.ts is that of a service that speaks trainers/http-server/openapi.json.';
  return new SlipwayError({ code: 'E_TRAINER_PROTOCOL', message, where, fix });
}

function send(service: Service, url: URL, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
  const tls = url.protocol === 'https:';
  const rule = egress(url.origin, service.networks, tls);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Node looks up names only; an address is checked here.
  if (isIP(host) !== 0) rule.check(host);
  const token = service.token();
  return new Promise((resolve, reject) => {
    const sent = (tls ? tlsRequest : plainRequest)(url, {
      method: call.method,
      signal,
      lookup: rule.lookup,
      // A connection of its own: its address was checked for this very request.
      agent: false,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(call.body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(call.body),
        }),
        ...call.headers,
      },
    });
    sent.on('response', resolve).on('error', reject);
    sent.end(call.body);
  });
}

async function read(response: IncomingMessage, url: URL): Promise<Answer> {
  const status = response.statusCode ?? 0;
  try {
    const soon = status >= 500 || status === 408 || status === 425 || status === 429;
    if (soon) throw unavailable(`the service answers ${status}`, url.href);
    if (status >= 300 && status < 400) {
      const to = printable(response.headers.location ?? '', 200);
      throw protocolFault(`the service answers ${status}, a redirect to ${to}; none is followed`, url.href);
    }
    return { status, body: await readJson(response, url), url: url.href };
  } catch (error) {
    const said = plainStatuses.includes(status) && error instanceof SlipwayError;
    if (said) return { status, body: undefined, url: url.href };
    throw error;
  } finally {
    response.destroy();
  }
}

async function readJson(response: IncomingMessage, url: URL): Promise<unknown> {
  if (response.headers['content-encoding'] !== undefined)
    throw protocolFault('the answer is compressed, which nobody asked for', url.href);
  const type = response.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    const found = printable(type ?? 'of no type');
    throw protocolFault(`the answer (${response.statusCode}) is ${found}, not application/json`, url.href);
  }
  return parse(await collect(response, url), url);
}

async function collect(response: IncomingMessage, url: URL): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostMessageBytes) throw protocolFault(`the answer has more than ${mostMessageBytes} bytes`, url.href);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer broke off');
  return Buffer.concat(chunks);
}

function parse(body: Buffer, url: URL): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw protocolFault(`the answer is no JSON (${printable(reasonOf(error), 160)})`, url.href);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
}
