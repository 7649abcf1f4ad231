import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';

/** Asks an API server as somebody who may do everything. */
export interface Admin {
  /** The answer's JSON; throws with what the server says unless it is a success. */
  ask<T>(method: string, path: string, body?: object): Promise<T>;
  /** The same, undefined for what is not there. */
  find<T>(path: string): Promise<T | undefined>;
  status(method: string, path: string, body?: object): Promise<{ status: number; text: string }>;
  close(): void;
}

export function adminOf({ url, ca, token }: { url: string; ca: string; token: string }): Admin {
  const agent = new Agent({ keepAlive: true, ca });
  const send = async (method: string, path: string, body?: object): Promise<{ status: number; text: string }> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const text = body === undefined ? '' : JSON.stringify(body);
    const length = { 'content-type': type, 'content-length': Buffer.byteLength(text) };
    const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && length) };
    const sent = request(`${url}${path}`, { method, headers, agent, signal: AbortSignal.timeout(30_000) });
    sent.end(text);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  };
  const read = <T>({ status, text }: { status: number; text: string }, what: string): T => {
    if (status < 300) return JSON.parse(text) as T;
    throw new Error(`${what}: ${status} ${text}`);
  };
  return {
    ask: async (method, path, body) => read(await send(method, path, body), `${method} ${path}`),
    find: async (path) => {
      const answer = await send('GET', path);
      return answer.status === 404 ? undefined : read(answer, `GET ${path}`);
    },
    status: send,
    close: () => agent.destroy(),
  };
}
