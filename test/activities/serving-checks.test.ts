import { beforeEach, describe, expect, test } from 'vitest';

import { checkVersion } from '../../activities/check-version.js';
import { verifyServing } from '../../activities/verify-serving.js';
import type { Json } from '../../plan/json.js';
import type { Endpoint } from '../../plan/outputs.js';
import { fakeServing } from '../../testing/fakes/serving.js';
import { codesOf, createWorld, planOf, run, runOf, type World } from './context.js';
import { servingPair } from './models.js';
import { rolloutStage } from './stages.js';

let world: World;
let pair: { champion: Endpoint; candidate: Endpoint };
beforeEach(async () => {
  world = createWorld();
  world.serving = fakeServing(world.store, (_, request) => ({ status: request === 'bad' ? 500 : 200, body: null }));
  world.environment.ports.serving = world.serving;
  pair = await servingPair(world);
});

describe('before any user reaches a version', () => {
  const check = async (smoke: Json[], endpoint = pair.candidate) =>
    await run(world, checkVersion, {
      run: await runOf(world, planOf([rolloutStage({ smoke })])),
      stage: 'rollout',
      endpoint,
    });

  test('it says that it is this version, and answers the smoke requests', async () => {
    expect(await check(['good', 'good'])).toEqual({
      verdict: 'pass',
      reason: 'identity agrees, 2 smoke requests answered',
    });
    expect((await check([])).verdict).toBe('pass');
  });

  test.each([{ sha256: '9'.repeat(64) }, { version: '9' }])(
    'a server that is another one (%j) fails',
    async (wrong) => {
      const { verdict, reason } = await check(['good'], { ...pair.candidate, ...wrong });
      expect(verdict).toBe('fail');
      expect(reason).toMatch(
        /^identity: expected version . \([0-9a-f]{12}\), the server says version 2 \([0-9a-f]{12}\)$/,
      );
    },
  );

  test('a smoke request that is answered with an error fails, naming which one', async () => {
    expect(await check(['good', 'bad', 'good'])).toEqual({
      verdict: 'fail',
      reason: 'smoke request 2 of 3 was answered with status 500',
    });
  });

  test('a smoke request that another model answers fails', async () => {
    const predict = world.serving.predict.bind(world.serving);
    world.environment.ports.serving = {
      ...world.serving,
      predict: async (...args) => ({ ...(await predict(...args)), sha256: pair.champion.sha256 }),
    };
    expect(await check(['good'])).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('another model') as string,
    });
  });

  test('a server that is gone is tried again', async () => {
    world.serving.running.delete(pair.candidate.port);
    expect(await codesOf(check([]))).toEqual(['E_UNAVAILABLE']);
  });
});

describe("after the promotion, the users' address", () => {
  /** Who answers each probe: what the router reaches, the champion at some. */
  const answersOldAt = (...places: number[]) => {
    let probe = 0;
    world.environment.ports.serving = {
      ...world.serving,
      version: async ({ host, port, service }) => {
        expect({ host, port, service }).toEqual({ ...world.router.address(), service: 'intents' });
        return places.includes(++probe) ? pair.champion : pair.candidate;
      },
    };
  };
  const verify = () => run(world, verifyServing, { environment: 'dev', endpoint: pair.candidate });

  test('answers a hundred times with the new version', async () => {
    answersOldAt();
    expect(await verify()).toEqual({ verdict: 'pass', reason: '100/100 probes answered by version 2' });
  });

  test('fails with 99 of 100, naming who else answered', async () => {
    answersOldAt(37);
    expect(await verify()).toEqual({
      verdict: 'fail',
      reason: `99/100 probes answered by version 2, 1 × version 1 (${pair.champion.sha256.slice(0, 12)})`,
    });
  });

  test('fails where the same version number answers with other bytes', async () => {
    world.environment.ports.serving = {
      ...world.serving,
      version: async () => ({ version: '2', sha256: '9'.repeat(64) }),
    };
    expect(await verify()).toMatchObject({
      verdict: 'fail',
      reason: '0/100 probes answered by version 2, 100 × version 2 (999999999999)',
    });
  });
});
