import { describe, expect, it } from 'vitest';
import { championEndpoint, fullGraph } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();
const approve = { decision: 'approve', by: 'a@example.com', reason: 'metrics ok' };

describe('a run of the whole pipeline', () => {
  it('promotes a better model step by step, in the order of its weights', async () => {
    await server.withRun({ graph: fullGraph(), champion: championEndpoint }, async ({ handle, world, result }) => {
      await handle.signal('decide', approve);
      expect(await result).toMatchObject({ outcome: 'promoted', record: 's3://slipway/runs/x.json' });
      expect(world.journal).toEqual(['train attempt 1', 'register', 'load', 'weight 10', 'weight 50', 'weight 100', 'commit', 'home to 2', 'aliases', 'unload 1']);
    });
  });
});
