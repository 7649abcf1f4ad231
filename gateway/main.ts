import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { openCallbacks } from '../config/callbacks.js';
import { gatewaySettings } from '../config/gateway.js';
import { loadConfig } from '../config/load.js';
import { processEnvironment } from '../config/process-environment.js';
import { exitCodes, SlipwayError } from '../plan/errors.js';
import { endpointsOf } from './callbacks.js';
import { routeTable } from './routes.js';
import { gatewayServer } from './server.js';
import { withoutUndefined } from '../plan/json.js';

/** Serves the gateway of the project in the working folder until SIGTERM or SIGINT; prints one JSON line when it is ready. */
async function main(): Promise<void> {
  const root = process.cwd();
  const env = processEnvironment();
  const config = await loadConfig(root);
  const settings = gatewaySettings(config, { root, env });
  const callbacks = await openCallbacks(config, { root, env });
  const endpoints = endpointsOf(callbacks, (line) => log({ at: new Date().toISOString(), ...line }));
  const server = gatewayServer({
    routes: routeTable(endpoints),
    hosts: settings.hosts,
    ...withoutUndefined({ tls: settings.tls }),
    onError: (error) => process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`),
  });
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const paths = callbacks.map(({ inbox }) => inbox.path);
  log({
    event: 'listening',
    address: `${settings.tls ? 'https' : 'http'}://${settings.host}:${port}`,
    callbacks: paths,
  });
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  server.close();
  server.closeIdleConnections();
}

function log(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SlipwayError ? error.message : String((error as Error).stack)}\n`);
  process.exit(error instanceof SlipwayError ? error.exitCode : exitCodes.temporary);
});
