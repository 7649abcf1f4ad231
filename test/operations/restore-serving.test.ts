import { beforeEach, describe, expect, test } from 'vitest';
import type { Environment } from '../../config/open.js';
import { encode } from '../../operations/records.js';
import { restoreServing } from '../../operations/restore-serving.js';
import { SlipwayError } from '../../plan/errors.js';
import { keys } from '../../plan/names.js';
import { fakeRouter } from '../../testing/fakes/router.js';
import { fakeServing, type FakeServing } from '../../testing/fakes/serving.js';
import { fakeStore } from '../../testing/fakes/store.js';
import { promotionOf } from './promotion-record.js';

const store = () => fakeStore();
let ports: { store: ReturnType<typeof store>; serving: FakeServing; router: ReturnType<typeof fakeRouter> };
beforeEach(() => {
  const stored = store();
  ports = { store: stored, serving: fakeServing(stored), router: fakeRouter() };
});
const restore = () => restoreServing({ name: 'dev', ports } as unknown as Environment, () => undefined);

async function promoted(service: string, kind: 'rollout' | 'promote' = 'rollout'): Promise<void> {
  const path = 'model/model.skops';
  const ref = await ports.store.put(`jobs/${service}/${path}`, new TextEncoder().encode(`weights of ${service}`));
  const facts = promotionOf({ service, sequence: 1 });
  const model = { ...facts.version.model, files: [{ path, ...ref }] };
  const record = { ...facts, kind, version: { ...facts.version, model } };
  await ports.store.replace(keys.promotion('dev', service, 1), encode(record), undefined);
}
const championOf = async (service: string) => (await ports.router.read(service))?.champion.service;

describe('after a restart of the stack', () => {
  test('the champions of all services serve, and a model that was promoted without traffic has no server', async () => {
    for (const service of ['intents', 'iris']) await promoted(service);
    await promoted('batch', 'promote');
    expect(await restore()).toBeNull();
    expect((await ports.serving.list()).map(({ service }) => service).sort()).toEqual(['intents', 'iris']);
    expect(await championOf('iris')).toBe('iris');
    expect(await ports.router.read('batch')).toBeUndefined();
    expect(await restore()).toBeNull();
    expect((await ports.router.read('iris'))?.epoch).toBe(1);
  });

  test('what keeps one champion from serving stops no other; all of it is told, each with its service', async () => {
    for (const service of ['aaa', 'intents', 'zzz']) await promoted(service);
    const { load } = ports.serving;
    ports.serving.load = (version) =>
      version.service === 'intents'
        ? load(version)
        : Promise.reject(new SlipwayError({ code: 'E_SERVING_START', where: 'server.log', message: 'it ended' }));
    const unserved = await restore();
    expect(unserved?.faults).toMatchObject([
      { code: 'E_SERVING_START', where: 'aaa: server.log' },
      { code: 'E_SERVING_START', where: 'zzz: server.log' },
    ]);
    expect(await championOf('intents')).toBe('intents');
  });

  test('users are sent to a server once it is ready', async () => {
    await promoted('intents');
    const { ready } = ports.serving;
    const routed: (string | undefined)[] = [];
    let asked = 0;
    ports.serving.ready = async (endpoint) => {
      routed.push(await championOf('intents'));
      return ++asked > 2 && (await ready(endpoint));
    };
    expect(await restore()).toBeNull();
    expect(routed).toEqual([undefined, undefined, undefined]);
    expect(await championOf('intents')).toBe('intents');
  });

  test('users are not sent to a server that says that it is another version', async () => {
    await promoted('intents');
    ports.serving.version = async () => ({ version: '0', sha256: 'f'.repeat(64) });
    expect((await restore())?.faults).toMatchObject([
      { code: 'E_SERVING_IDENTITY', message: expect.stringContaining('version 0 (ffffffffffff)') as string },
    ]);
    expect(await championOf('intents')).toBeUndefined();
  });

  test('a route that a rollout holds is left to it, with its champion at work again', async () => {
    await promoted('intents');
    await restore();
    const champion = (await ports.serving.list())[0]!;
    const held = { service: 'intents', champion, candidate: { ...champion, id: 'intents-candidate', port: 2 } };
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    await ports.router.apply({ ...held, weight: 10, epoch: 2, expiresAt });
    ports.serving.running.clear();
    expect(await restore()).toBeNull();
    expect(await ports.router.read('intents')).toMatchObject({ weight: 10, epoch: 2 });
    expect(await ports.serving.list()).toMatchObject([{ service: 'intents', version: '1' }]);
  });
});
