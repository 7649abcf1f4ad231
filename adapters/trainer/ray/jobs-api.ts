import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';

import type { z } from 'zod';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { parseJson } from '../../../plan/json.js';
import { withDeadline } from '../../deadline.js';

const mostBytes = 8 * 1024 * 1024;

export interface JobsApi {
  url: string;
  timeoutMs: number;
  /** The token's value, asked for each request. */
  token: () => string | undefined;
}
export interface Call {
  method: 'GET' | 'PUT' | 'POST';
  /** Below the base address, beginning with a slash. */
  path: string;
  /** Sent as JSON, bytes as they are. */
  body?: object | Uint8Array;
  signal?: AbortSignal | undefined;
  /** Longest answer. Default 8 MiB. */
  mostBytes?: number;
}
/** What Ray answered: JSON where it went well, plain text where not. */
export interface Answer {
  status: number;
  text: string;
  /** The address asked, for faults. */
  url: string;
}

/**
 * Asks the cluster.
 *
 * @throws SlipwayError `E_UNAVAILABLE` (75) when the same call may succeed later (no answer in time, 408, 425, 429, 5xx),
 *   `E_TRAINER_ACCESS` (77) when the token is refused, `E_TRAINER_PROTOCOL` for redirects and endless answers
 */
export async function ask(api: JobsApi, call: Call): Promise<Answer> {
  const url = api.url.replace(/\/+$/, '') + call.path;
  return await withDeadline(api.timeoutMs, call.signal, async (limit) => {
    try {
      const response = await send(api, call, url, limit);
      const text = await collect(response, url, call.mostBytes ?? mostBytes);
      return judged(asTheAgentSaid({ status: response.statusCode ?? 0, text, url }));
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof SlipwayError) throw error;
      const reason = limit.aborted ? `no whole answer within ${api.timeoutMs} ms` : reasonOf(error);
      throw unavailable(`the Ray cluster does not answer: ${reason}`, url);
    }
  });
}

/** An answer of 200 in the form of a schema, or `E_TRAINER_PROTOCOL`. */
export function parse<T>(schema: z.ZodType<T>, { status, text, url }: Answer): T {
  const parsed = status === 200 ? schema.safeParse(parseJson(text)) : undefined;
  if (parsed?.success) return parsed.data;
  const issue = parsed?.error.issues[0];
  const what = issue === undefined ? `${status}: ${printable(text, 300)}` : `${issue.path.join('/')} ${issue.message}`;
  throw protocolFault(`the answer is not of Ray's Jobs API: ${what}`, url);
}

/** Somebody else's 404 (a proxy's, a wrong path's) denies nothing: Ray says so in its own words. */
export function denies({ status, text }: Answer, job: string): boolean {
  return status === 404 && text.trim() === `Job ${job} does not exist`;
}

/** `E_UNAVAILABLE`: the same call may succeed later. */
export function unavailable(message: string, where: string): SlipwayError {
  const fix =
    'It is asked again; see that the cluster runs and that `url` in slipway.config.ts is that of its dashboard.';
  return new SlipwayError({ code: 'E_UNAVAILABLE', message, where, fix }, exitCodes.temporary);
}

/** `E_TRAINER_PROTOCOL`: what answers is not what we talk to. */
export function protocolFault(message: string, where: string): SlipwayError {
  const fix = "See that `url` in slipway.config.ts is that of a Ray cluster's dashboard.";
  return new SlipwayError({ code: 'E_TRAINER_PROTOCOL', message, where, fix });
}

/** Not by `fetch`, whose `sec-fetch-mode` header makes Ray take us for a browser and refuse uploads and submissions. */
function send(api: JobsApi, call: Call, url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const token = api.token();
  const { body } = call;
  const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
  const headers = {
    'accept-encoding': 'identity',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(bytes !== undefined && { 'content-type': type, 'content-length': bytes.length }),
  };
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? tlsRequest : plainRequest;
    const sent = request(url, { method: call.method, signal, agent: false, headers });
    sent.on('response', resolve).on('error', reject);
    sent.end(bytes);
  });
}

async function collect(response: IncomingMessage, url: string, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw protocolFault(`the answer has more than ${limit} bytes`, url);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer broke off');
  return Buffer.concat(chunks).toString('utf8');
}

/** What an agent of the cluster refuses (4xx), the head passes on as 500, in the words of an exception of its own. */
function asTheAgentSaid(answer: Answer): Answer {
  if (answer.status !== 500) return answer;
  const found = /^RuntimeError: Request failed with status code (4\d\d): ([\s\S]*)\.\s*$/m.exec(answer.text);
  return found === null ? answer : { ...answer, status: Number(found[1]), text: found[2] ?? '' };
}

function judged(answer: Answer): Answer {
  const { status, text, url } = answer;
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    throw unavailable(`the Ray cluster answers ${status}: ${lastLine(text)}`, url);
  }
  if (status === 401 || status === 403) {
    const message = `the Ray cluster answers ${status}: the token is missing, wrong or has not the right`;
    const fix = 'Set the reference `token` of this trainer in slipway.config.ts to one that may submit jobs.';
    throw new SlipwayError({ code: 'E_TRAINER_ACCESS', where: url, message, fix }, exitCodes.permission);
  }
  if (status >= 300 && status < 400) throw protocolFault(`the answer is ${status}, a redirect; none is followed`, url);
  return answer;
}

/** Ray answers with whole tracebacks: the last line says what went wrong. */
export function lastLine(text: string): string {
  return printable(text.trimEnd().split('\n').at(-1) ?? '', 400);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
}
