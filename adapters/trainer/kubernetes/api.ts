import type { IncomingMessage } from 'node:http';

import { SlipwayError } from '../../../plan/errors.js';
import { parseJson } from '../../../plan/json.js';
import { withDeadline } from '../../deadline.js';
import { openConnection } from './connection.js';
import { credentialsOf } from './credentials.js';
import { notKubernetes, silence, unavailable } from './faults.js';
import type { ClusterAccess } from './kubeconfig.js';

export interface ApiCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query, beginning with a slash. */
  path: string;
  body?: object;
  /** The answer is text, such as a log, when it is a success. */
  text?: boolean;
  signal?: AbortSignal | undefined;
}
/** What the API server answered, of whatever status below 500. */
export interface ApiAnswer {
  status: number;
  /** JSON; text where that was asked for. */
  body: unknown;
  /** The server's clock, in ms since 1970. */
  at: number;
}
/** An answer, and what says who asked: the credentials by their reference. */
export interface Answered extends ApiAnswer {
  by: string;
}
/**
 * Asks the API server. Redirects are not followed; huge, slow and foreign answers are refused.
 *
 * @throws SlipwayError `E_UNAVAILABLE` (75) when the same call may succeed later (no answer in time, 408, 429, 5xx),
 *   `E_TRAINER_PROTOCOL` for an answer that is not Kubernetes', `E_TRAINER_ACCESS` (77) when TLS or credentials fail
 */
export type Api = (call: ApiCall) => Promise<ApiAnswer>;
/** The same, by somebody who is known. */
export type Ask = (call: ApiCall) => Promise<Answered>;

const mostBytes = 8 * 1024 * 1024;

/** Opens the API of a cluster; connections are kept between calls. Nothing is sent yet. */
export async function openApi(access: ClusterAccess, timeoutMs: number): Promise<Api> {
  const send = await openConnection(access);
  const credentials = credentialsOf(access.identity, timeoutMs);
  const ask = async (call: ApiCall, signal: AbortSignal): Promise<ApiAnswer> => {
    const by = await credentials.current();
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const { method, path } = call;
    const response = await send({ method, path, headers: headersOf(call, by.token, body), body, signal }, by);
    return read(response, call, access.server);
  };
  return async (call) => {
    try {
      return await withDeadline(timeoutMs, call.signal, async (signal) => {
        const answer = await ask(call, signal);
        return answer.status === 401 && credentials.renew() ? await ask(call, signal) : answer;
      });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error instanceof SlipwayError ? error : silence(error, access.server);
    }
  };
}

function headersOf(
  call: ApiCall,
  token: string | undefined,
  body: string | undefined,
): Record<string, string | number> {
  const type = call.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  return {
    accept: call.text === true ? 'text/plain, application/json' : 'application/json',
    'accept-encoding': 'identity',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
  };
}

async function read(response: IncomingMessage, call: ApiCall, server: string): Promise<ApiAnswer> {
  const where = `${call.method} ${server}${call.path}`;
  const status = response.statusCode ?? 0;
  const soon = status >= 500 || status === 408 || status === 429;
  const said = await collect(response, where);
  const at = Date.parse(response.headers.date ?? '') || Date.now();
  if (soon) throw unavailable(`the API server answers ${status}`, where, messageOf(said));
  if (status >= 300 && status < 400) throw notKubernetes(`a redirect (${status}); none is followed`, where);
  if (call.text === true && status < 300) return { status, body: said.toString('utf8'), at };
  return { status, body: parse(said, status, where), at };
}

async function collect(response: IncomingMessage, where: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop closes the connection.
    if (bytes > mostBytes) throw notKubernetes(`more than ${mostBytes} bytes`, where);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer broke off');
  return Buffer.concat(chunks);
}

/** Every answer of Kubernetes is an object of some kind; a proxy on the way answers something else. */
function parse(said: Buffer, status: number, where: string): unknown {
  const body = parseJson(said.toString('utf8'));
  if (typeof body === 'object' && body !== null && 'kind' in body) return body;
  // Gateways that ask for a login have their own words for it.
  if (status === 401 || status === 403) return { kind: 'Status', message: said.toString('utf8') };
  throw notKubernetes(`something else (${status})`, where);
}

function messageOf(said: Buffer): string {
  const body = parseJson(said.toString('utf8')) as { message?: unknown } | null | undefined;
  return typeof body?.message === 'string' ? body.message : '';
}
