import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';

import type { Credentials } from './credentials.js';
import type { ClusterAccess } from './kubeconfig.js';
import { withoutUndefined } from '../../../plan/json.js';

export interface RawRequest {
  method: string;
  /** With its query, beginning with a slash. */
  path: string;
  headers: Record<string, string | number>;
  body: string | undefined;
  signal: AbortSignal;
}
/** Sends a request and resolves with the begin of its answer. */
export type Send = (request: RawRequest, by: Credentials) => Promise<IncomingMessage>;

/** A connection that is kept between requests. Nothing is sent yet. */
export async function openConnection({ server, ca, serverName }: ClusterAccess): Promise<Send> {
  const http = server.startsWith('https:') ? await import('node:https') : await import('node:http');
  const kept = new http.Agent({ keepAlive: true });
  const trust = { ...(ca && { ca }), ...withoutUndefined({ servername: serverName }) };
  const send = ({ path, body, ...options }: RawRequest, { cert, key }: Credentials, agent: typeof kept | false) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const pair = { ...withoutUndefined({ cert }), ...withoutUndefined({ key }) };
      const all: RequestOptions = { ...options, ...trust, ...pair, agent };
      const sent = http.request(server + path, all);
      sent.on('response', resolve).on('error', (error: NodeJS.ErrnoException) => {
        reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection() : error);
      });
      sent.end(body);
    });
  return async (request, by) => {
    try {
      return await send(request, by, kept);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      // The other side closed it just then. All our requests may be sent twice.
      return send(request, by, false);
    }
  };
}

class StaleConnection extends Error {}
