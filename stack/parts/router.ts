import { join } from 'node:path';

import { baseEnvironment } from '../../processes/index.js';
import { builtProgram } from './built-program.js';
import { answers, type Part, port, stateOf } from './part.js';

/** The router agent: owns Envoy's route file, holds the lease of a rollout. */
export const router: Part = {
  name: 'router',
  needs: ['envoy'],
  after: ['envoy'],
  ports: { router: 9902 },
  describe: (ports) => ({ address: `http://127.0.0.1:${port(ports, 'router')}` }),
  install: async () => void builtProgram(join('agents', 'router', 'main.js')),
  launch: async (context) => ({
    command: process.execPath,
    args: [
      builtProgram(join('agents', 'router', 'main.js')),
      `--directory=${context.paths.envoy}`,
      `--admin=${stateOf(context, 'envoy').admin ?? ''}`,
      `--port=${port(context.ports, 'router')}`,
    ],
    env: baseEnvironment(),
  }),
  isReady: (context) => answers(`${stateOf(context, 'router').address}/healthz`),
};
