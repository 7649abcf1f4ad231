import { z } from 'zod';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { Json } from '../../../plan/json.js';
import { withDeadline } from '../../deadline.js';
import type { Answer } from '../port.js';

const deadlineMs = 10_000;
const maxAnswerBytes = 4 * 1024 * 1024;

/** Where a service is asked: a server of its own, or the router. */
export interface Address {
  host: string;
  port: number;
  service: string;
}

/** True once the model answers requests; false while nothing listens or it still loads. */
export async function isReady(address: Address, signal?: AbortSignal): Promise<boolean> {
  try {
    return await call(address, '/ready', {}, signal, async (response) => {
      await response.body?.cancel();
      return response.ok;
    });
  } catch (error) {
    if (error instanceof SlipwayError) return false;
    throw error;
  }
}

/** Metadata of a model (Open Inference Protocol v2): our runtime puts its identity into the parameters. */
const metadata = z.object({
  parameters: z.object({ version: z.string().min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
});

/**
 * Asks who answers: the runtime names its version and the digest of the bytes that it loaded.
 *
 * @throws SlipwayError `E_UNAVAILABLE` when nobody answers, `E_SERVING_IDENTITY` when who answers does not say what it serves
 */
export async function askIdentity(
  address: Address,
  signal?: AbortSignal,
): Promise<{ version: string; sha256: string }> {
  const { ok, status, body } = await call(address, '', {}, signal, async (response) => ({
    ok: response.ok,
    status: response.status,
    body: await bodyOf(response, address),
  }));
  const found = metadata.safeParse(body);
  if (ok && found.success) return { version: found.data.parameters.version, sha256: found.data.parameters.sha256 };
  if (status >= 500) throw unavailable(address, `status ${status}`);
  throw new SlipwayError({
    code: 'E_SERVING_IDENTITY',
    message: `who answers (status ${status}) does not say which version of ${address.service} it serves`,
    where: urlOf(address, ''),
    fix: 'something else listens there: see `slipway status`',
  });
}

/** One inference request (Open Inference Protocol v2). Any status is an answer; only silence throws `E_UNAVAILABLE`. */
export async function infer(
  address: Address,
  request: Json,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Answer> {
  const init = {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  };
  return await call(address, '/infer', init, signal, async (response) => ({
    status: response.status,
    body: await bodyOf(response, address),
    version: response.headers.get('x-model-version'),
    sha256: response.headers.get('x-model-digest'),
  }));
}

async function bodyOf(response: Response, address: Address): Promise<Json> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw unavailable(address, `an answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** One request, with its answer read by `read` within the deadline. */
async function call<T>(
  address: Address,
  path: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  try {
    return await withDeadline(deadlineMs, signal, async (limit) =>
      read(await fetch(urlOf(address, path), { ...init, redirect: 'error', signal: limit })),
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SlipwayError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw unavailable(address, cause instanceof Error ? cause.message : String(cause));
  }
}

function urlOf({ host, port, service }: Address, path: string): string {
  return `http://${host}:${port}/v2/models/${encodeURIComponent(service)}${path}`;
}

function unavailable(address: Address, why: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_UNAVAILABLE',
      message: `${address.service} does not answer: ${printable(why)}`,
      where: urlOf(address, ''),
      fix: 'see `slipway status` and the log beside the model',
    },
    exitCodes.temporary,
  );
}
