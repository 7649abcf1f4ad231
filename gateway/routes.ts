import { mostCallbackBytes } from '../config/callbacks.js';
import type { Access, Call, Caller } from './access.js';
import { smallBodyBytes } from './bodies.js';
import { acceptCallback, type Endpoints } from './callbacks.js';

/** What a handler answers; 200 with this as JSON. */
export type Reply = Record<string, unknown>;
export interface Route {
  method: 'GET' | 'POST';
  /** `/callbacks/:environment/:trainer`: a colon names a part of letters, digits, dots and dashes. */
  path: string;
  pattern: RegExp;
  access: Access;
  /** Longest body. */
  bodyBytes: number;
  handle(call: Call, caller: Caller): Promise<Reply>;
}

/** The only maker of routes: who may call is part of each. `bodyBytes` is 64 kB unless told. */
export function route(
  method: Route['method'],
  path: string,
  access: Access,
  handle: Route['handle'],
  bodyBytes: number = smallBodyBytes,
): Route {
  const pattern = new RegExp(`^${path.replaceAll(/:([a-z]+)/g, '(?<$1>[A-Za-z0-9][A-Za-z0-9._-]{0,63})')}$`);
  return { method, path, pattern, access, bodyBytes, handle };
}

/** Every route of the gateway. */
export function routeTable(endpoints: Endpoints): readonly Route[] {
  return [
    route('GET', '/healthz', { kind: 'public' }, () => Promise.resolve({ ready: true })),
    route(
      'POST',
      '/callbacks/:environment/:trainer',
      { kind: 'signature', keys: (params) => endpoints.find(params)?.keys },
      (call, caller) => acceptCallback(endpoints, call, caller),
      mostCallbackBytes,
    ),
  ];
}
