import type { z } from 'zod';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { Endpoint } from '../../../plan/outputs.js';
import { withDeadline } from '../../deadline.js';
import type { Route, Router, RouteState } from '../port.js';
import { refusalSchema, routeStateSchema } from './messages.js';
import type { AgentOptions } from './options.js';
import { withoutUndefined } from '../../../plan/json.js';

/** Longer than the agent waits for the router's confirmation, twice: once for servers, once for routes. */
const deadlineMs = 15_000;

/**
 * A router behind its agent.
 *
 * Every call throws SlipwayError with the agent's own code (`E_EPOCH`, `E_LEASE_EXPIRED`, `E_ROUTE`), and `E_UNAVAILABLE`
 * when the agent or its router does not answer.
 */
export function openAgentRouter(options: AgentOptions): Router {
  const base = options.url.replace(/\/$/, '');
  const call = async (
    path: string,
    signal: AbortSignal | undefined,
    method = 'GET',
    body?: unknown,
  ): Promise<Reply> => {
    try {
      return await withDeadline(deadlineMs, signal, async (limit) => {
        const response = await fetch(`${base}${path}`, {
          method,
          redirect: 'error',
          ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
          signal: limit,
        });
        return { status: response.status, body: await response.json(), url: response.url };
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(`the router agent does not answer: ${reason(error)}`, base);
    }
  };
  const service = (name: string) => `/services/${encodeURIComponent(name)}`;

  return {
    apply: async (route: Route, signal) => stateOf(await call(service(route.service), signal, 'PUT', route)),
    renew: async (name, epoch, expiresAt, signal) =>
      stateOf(await call(`${service(name)}/renew`, signal, 'POST', { epoch, expiresAt })),
    read: async (name, signal) => {
      const reply = await call(service(name), signal);
      return reply.status === 404 ? undefined : stateOf(reply);
    },
    address: () => {
      const { hostname, port, protocol } = new URL(options.listener);
      return { host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
    },
    labels: (endpoint: Endpoint) => ({ envoy_cluster_name: endpoint.id }),
  };
}

interface Reply {
  status: number;
  body: unknown;
  url: string;
}

function stateOf({ status, body, url }: Reply): RouteState {
  if (status === 200) return read(routeStateSchema, body, url);
  // The agent's own trouble (a full disk, a data plane that does not confirm) may pass: going home must not give up.
  if (status >= 500) throw unavailable(`the router agent answers ${status}: ${printable(JSON.stringify(body))}`, url);
  const { faults } = read(refusalSchema, body, url);
  const kept = faults.map(({ where = url, fix, ...fault }) => ({ ...fault, where, ...withoutUndefined({ fix }) }));
  throw new SlipwayError(kept, status === 503 ? exitCodes.temporary : exitCodes.data);
}

function read<T>(schema: z.ZodType<T>, body: unknown, url: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw unavailable(`what answers is no router agent: ${printable(result.error.issues[0]?.message ?? '')}`, url);
}

function unavailable(message: string, where: string): SlipwayError {
  return new SlipwayError({ code: 'E_UNAVAILABLE', message, where, fix: 'start it: slipway up' }, exitCodes.temporary);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
