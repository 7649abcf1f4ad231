import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { verify } from './standard-webhooks.js';

/** What a request says about itself, with the parts of its path that the route names. */
export interface Call {
  headers: IncomingHttpHeaders;
  body: Uint8Array;
  params: Record<string, string>;
  nowMs: number;
}

/** Who may call a route. There is no default. */
export type Access =
  /** Everybody; says nothing that a stranger may not know. */
  | { kind: 'public' }
  /** Whoever signs with a key of the endpoint (Standard Webhooks). */
  | { kind: 'signature'; keys: (params: Record<string, string>) => readonly Buffer[] | undefined };

/** Who is calling: what `admit` found out. */
export interface Caller {
  /** The message's id; null for a public route. */
  message: string | null;
}

/** Keys of an endpoint that nobody configured: it is refused like a wrong signature, and takes as long. */
const nobody = [randomBytes(32)];

/** Lets a request through or throws `E_SIG`, `E_SIG_TIME`, `E_ID`. */
export function admit(access: Access, call: Call): Caller {
  switch (access.kind) {
    case 'public':
      return { message: null };
    case 'signature':
      return { message: verify(call.headers, call.body, access.keys(call.params) ?? nobody, call.nowMs).id };
  }
}
