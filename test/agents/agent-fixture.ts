import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { openAgentRouter } from '../../adapters/router/agent/index.js';
import { openEnvoy } from '../../adapters/router/envoy/index.js';
import type { Route, Router } from '../../adapters/router/port.js';
import { routerAgentServer } from '../../agents/router/http-server.js';
import { recordsIn } from '../../agents/router/records.js';
import { startRouterAgent } from '../../agents/router/router-agent.js';
import type { Endpoint } from '../../plan/outputs.js';
import type { TestEnvoy } from './envoy-fixture.js';

/** The agent in this process, on a real Envoy, and a client of it. */
export interface TestAgent {
  url: string;
  router: Router;
  /** What failed without a caller. */
  errors: unknown[];
  stop(): Promise<void>;
}

export async function startAgent(envoy: Pick<TestEnvoy, 'directory' | 'admin' | 'listener'>): Promise<TestAgent> {
  const errors: unknown[] = [];
  const dataPlane = await openEnvoy(envoy);
  const agent = await startRouterAgent({
    records: recordsIn(envoy.directory),
    dataPlane,
    onError: (error) => errors.push(error),
  });
  const server = routerAgentServer(agent, () => Promise.resolve(true));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    router: openAgentRouter({ adapter: 'agent', url, listener: envoy.listener }),
    errors,
    async stop() {
      server.closeAllConnections();
      server.close();
      await agent.close();
    },
  };
}

/** A route document; the lease ends in `leaseMs`, default one minute. */
export function routeTo(
  champion: Endpoint,
  candidate: Endpoint | null,
  weight: number,
  epoch: number,
  leaseMs = 60_000,
): Route {
  const expiresAt = candidate === null ? null : new Date(Date.now() + leaseMs).toISOString();
  return { service: champion.service, champion, candidate, weight, epoch, expiresAt };
}

/** Lines of the journal about one service. */
export async function journalOf(directory: string, service: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(directory, 'journal.jsonl'), 'utf8');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.filter((line) => line['service'] === service);
}
