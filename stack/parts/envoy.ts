import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { baseEnvironment, writeFileAtomic } from '../../processes/index.js';
import { ensureProgram, programs } from '../binaries.js';
import { answers, type Launch, type Part, type PartContext, port, stateOf } from './part.js';
import { bootstrap, emptyClusters, emptyRoutes } from './envoy-config.js';

export const envoy: Part = {
  name: 'envoy',
  needs: [],
  after: [],
  ports: { envoy: 10_000, 'envoy-admin': 9901 },
  describe: (ports) => ({
    address: `http://127.0.0.1:${port(ports, 'envoy')}`,
    admin: `http://127.0.0.1:${port(ports, 'envoy-admin')}`,
  }),
  install: async (context) => void (await ensureProgram(programs.envoy, { ...context, part: 'envoy' })),
  launch,
  isReady: (context) => answers(`${stateOf(context, 'envoy').admin}/ready`),
};

async function launch(context: PartContext): Promise<Launch> {
  const { paths } = context;
  await seedRoutes(paths.envoy);
  const configFile = join(paths.stack, 'envoy-bootstrap.json');
  const ports = { user: port(context.ports, 'envoy'), admin: port(context.ports, 'envoy-admin') };
  const accessLog = join(paths.stack, 'logs', 'envoy-access.log');
  await writeFileAtomic(configFile, JSON.stringify(bootstrap({ ports, directory: paths.envoy, accessLog }), null, 2));
  const args = ['--config-path', configFile, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  return { command: await ensureProgram(programs.envoy, { ...context, part: 'envoy' }), args, env: baseEnvironment() };
}

/** Writes the files that Envoy will not start without, unless they are there: afterwards they belong to the router agent. */
export async function seedRoutes(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeUnlessThere(join(directory, 'rds.json'), emptyRoutes());
  await writeUnlessThere(join(directory, 'cds.json'), emptyClusters());
}

async function writeUnlessThere(file: string, value: object): Promise<void> {
  if (!existsSync(file)) await writeFileAtomic(file, JSON.stringify(value, null, 2));
}
