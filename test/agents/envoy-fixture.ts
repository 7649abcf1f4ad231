import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

import type { Endpoint } from '../../plan/outputs.js';
import { baseEnvironment, endGroup, freePort, startDetached } from '../../processes/index.js';
import { ensureProgram, programs } from '../../stack/binaries.js';
import { bootstrap, emptyClusters, emptyRoutes } from '../../stack/parts/envoy-config.js';
import { projectRoot } from '../stack-fixture.js';

/** An Envoy of the test's own, so that no other test moves its traffic. */
export interface TestEnvoy {
  /** Folder that it watches. */
  directory: string;
  admin: string;
  /** Where users send requests. */
  listener: string;
  stop(): Promise<void>;
}

export async function startEnvoy(): Promise<TestEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-envoy-'));
  const directory = join(folder, 'watched');
  await mkdir(directory);
  await writeFile(join(directory, 'rds.json'), JSON.stringify(emptyRoutes()));
  await writeFile(join(directory, 'cds.json'), JSON.stringify(emptyClusters()));
  const ports = { user: await freePort(), admin: await freePort() };
  const config = join(folder, 'bootstrap.json');
  await writeFile(config, JSON.stringify(bootstrap({ ports, directory, accessLog: join(folder, 'access.log') })));
  const envoy = await ensureProgram(programs.envoy, {
    root: projectRoot,
    env: process.env,
    part: 'envoy',
    onProgress: () => undefined,
  });
  const record = await startDetached({
    command: envoy,
    args: ['--config-path', config, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'],
    env: baseEnvironment(),
    cwd: folder,
    logFile: join(folder, 'envoy.log'),
    recordFile: join(folder, 'process.json'),
    marker: folder,
  });
  const admin = `http://127.0.0.1:${ports.admin}`;
  await vi.waitUntil(async () => (await fetch(`${admin}/ready`).catch(() => undefined))?.ok, { timeout: 120_000 });
  return {
    directory,
    admin,
    listener: `http://127.0.0.1:${ports.user}`,
    async stop() {
      await endGroup(record);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server that answers every request with its own id. */
export interface TestServer {
  endpoint: Endpoint;
  stop(): Promise<void>;
}

export async function startServer(service: string, digit: string): Promise<TestServer> {
  const id = `${service}-${digit.repeat(12)}`;
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => response.end(id));
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address.port);
    });
  });
  return {
    endpoint: { id, service, host: '127.0.0.1', port, version: digit, sha256: digit.repeat(64) },
    stop: () => new Promise((done) => server.close(() => done())),
  };
}

/** Who answers a user of a service: the server by its answer, and the status. */
export async function askAs(
  listener: string,
  service: string,
  user: string,
): Promise<{ status: number; answer: string; route: string | null }> {
  const response = await fetch(`${listener}/v2/models/${service}/infer`, {
    method: 'POST',
    headers: { 'x-user-id': user },
    body: '{}',
  });
  return { status: response.status, answer: await response.text(), route: response.headers.get('x-slipway-route') };
}
