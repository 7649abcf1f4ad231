import { expect, test } from 'vitest';

import { openAgentRouter } from '../../adapters/router/agent/index.js';
import { freePort } from '../../processes/index.js';
import { startAgent } from '../agents/agent-fixture.js';
import { askAs, startEnvoy, startServer, type TestServer } from '../agents/envoy-fixture.js';
import { describeRouter } from './router.contract.js';

describeRouter('agent', async () => {
  const envoy = await startEnvoy();
  const agent = await startAgent(envoy);
  const servers: TestServer[] = [];
  return {
    router: agent.router,
    async newService() {
      const service = `service-${servers.length}`;
      const [champion, candidate] = [await startServer(service, 'a'), await startServer(service, 'b')];
      servers.push(champion, candidate);
      return { service, champion: champion.endpoint, candidate: candidate.endpoint };
    },
    reach: async (service, user) => (await askAs(envoy.listener, service, user)).answer,
    async close() {
      await agent.stop();
      await envoy.stop();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
});

test('an agent that does not run is unavailable, temporarily', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const router = openAgentRouter({ adapter: 'agent', url, listener: 'http://127.0.0.1:8080' });
  await expect(router.read('intents')).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
});
