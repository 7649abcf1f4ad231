import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { openEnvoy } from '../../adapters/router/envoy/index.js';
import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { withMachineLock } from '../../processes/index.js';
import { routerAgentServer } from './http-server.js';
import { recordsIn } from './records.js';
import { startRouterAgent } from './router-agent.js';

const usage = 'usage: node main.js --directory DIR --admin http://127.0.0.1:ADMIN --port N';

/** Longest wait for a former agent of the same folder to end. */
const takeoverMs = 10_000;

async function main(): Promise<void> {
  const { directory, admin, port } = options();
  await mkdir(directory, { recursive: true });
  const taken = AbortSignal.timeout(takeoverMs);
  let holds = false;
  const work = () => {
    holds = true;
    return run(directory, admin, port);
  };
  await withMachineLock(`router-agent:${directory}`, work, taken).catch((error: unknown) => {
    if (holds) throw error;
    const message = 'another router agent owns this folder';
    throw new SlipwayError(
      { code: 'E_ROUTER_AGENT', message, where: directory, fix: 'end it first: slipway down' },
      exitCodes.configuration,
    );
  });
}

/** Runs until SIGTERM or SIGINT. */
async function run(directory: string, admin: string, port: number): Promise<void> {
  const dataPlane = await openEnvoy({ directory, admin });
  const agent = await startRouterAgent({
    records: recordsIn(directory),
    dataPlane,
    onError: (error) => console.error(error instanceof Error ? error.message : error),
  });
  const ready = () =>
    dataPlane.weights('any').then(
      () => true,
      () => false,
    );
  const server = routerAgentServer(agent, ready);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  console.log(`router agent on http://127.0.0.1:${port}, records in ${directory}`);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  await once(stop.signal, 'abort');
  server.close();
  server.closeIdleConnections();
  await agent.close();
}

function options(): { directory: string; admin: string; port: number } {
  const text = { type: 'string' } as const;
  const { directory, admin, port } = parseArgs({ options: { directory: text, admin: text, port: text } }).values;
  if (directory === undefined || admin === undefined || !URL.canParse(admin) || !/^\d{1,5}$/.test(port ?? '')) {
    throw new SlipwayError({ code: 'E_USAGE', message: usage }, exitCodes.usage);
  }
  return { directory: resolve(directory), admin, port: Number(port) };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  // Timers of an agent that could not listen must not keep it.
  process.exit(error instanceof SlipwayError ? error.exitCode : 70);
});
