import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { holdLease } from '../../activities/hold-lease.js';
import { loadVersion } from '../../activities/load-version.js';
import { openRollout } from '../../activities/open-rollout.js';
import { setTraffic } from '../../activities/set-traffic.js';
import { unloadVersion } from '../../activities/unload-version.js';
import type { Endpoint } from '../../plan/outputs.js';
import { codesOf, createWorld, faultsOf, planOf, run, runOf, type World } from './context.js';
import { promote, servingPair, versionOf } from './models.js';

let world: World;
beforeEach(() => void (world = createWorld()));
afterEach(() => void vi.useRealTimers());

const traffic = (pair: { champion: Endpoint; candidate: Endpoint | null; epoch: number }, weight: number) =>
  run(world, setTraffic, { environment: 'dev', service: 'intents', leaseTtlMs: 60_000, ...pair, weight });

describe('opening a rollout', () => {
  const open = async (number: string, workflowId = 'dev:intents:1') =>
    await run(world, openRollout, {
      run: await runOf(world, planOf([]), workflowId),
      service: 'intents',
      version: await versionOf(world, number),
    });

  test('of a first model finds no champion, and takes the first epoch', async () => {
    expect(await open('1')).toEqual({
      epoch: 1,
      predecessor: null,
      champion: null,
      previous: null,
      committed: false,
    });
  });

  test('makes the world agree with the promotion record: the champion runs and has all traffic', async () => {
    await promote(world, await versionOf(world, '1'), 4);
    const base = await open('2');
    expect(base).toMatchObject({ epoch: 1, predecessor: 4, previous: { name: 'intents', version: '1' } });
    expect(base.champion).toMatchObject({ version: '1', service: 'intents' });
    expect(await world.router.read('intents')).toMatchObject({
      champion: base.champion,
      candidate: null,
      effectiveWeight: 0,
    });
  });

  test('of a service whose newest model was promoted without traffic starts no server of that one', async () => {
    await promote(world, await versionOf(world, '1'), 1, 'promote');
    expect(await open('2')).toMatchObject({ predecessor: 1, champion: null, previous: { version: '1' } });
    expect(await world.serving.list()).toEqual([]);
  });

  test('takes a higher epoch than any before, so that a rollout that lingers is refused', async () => {
    const pair = await servingPair(world);
    await traffic(pair, 10);
    const base = await open('2');
    expect(base.epoch).toBe(pair.epoch + 1);
    expect(await world.router.read('intents')).toMatchObject({ effectiveWeight: 0, candidate: null });
    expect(await codesOf(traffic(pair, 50))).toEqual(['E_EPOCH']);
  });

  test('knows its own promotion again', async () => {
    const version = await versionOf(world, '1');
    const { run: promoter } = await promote(world, version);
    expect((await open('1', promoter.workflowId)).committed).toBe(true);
    expect((await open('2', promoter.workflowId)).committed).toBe(false);
    expect((await open('1', 'dev:intents:other')).committed).toBe(false);
  });
});

describe('setting traffic', () => {
  test('answers with what the router says, under a lease', async () => {
    const pair = await servingPair(world);
    const state = await traffic(pair, 10);
    expect(state).toMatchObject({ effectiveWeight: 10, epoch: pair.epoch, candidate: pair.candidate });
    expect(Date.parse(state.expiresAt ?? '') - Date.now()).toBeGreaterThan(50_000);
  });

  test('home needs no lease', async () => {
    const pair = await servingPair(world);
    await traffic(pair, 10);
    expect(await traffic({ ...pair, candidate: null }, 0)).toMatchObject({ effectiveWeight: 0, expiresAt: null });
  });

  test('that the router does not confirm is tried again, naming both weights', async () => {
    const pair = await servingPair(world);
    const read = world.router.read.bind(world.router);
    world.environment.ports.router = {
      ...world.router,
      read: async (service) => ({ ...(await read(service))!, effectiveWeight: 5 }),
    };
    const [fault] = await faultsOf(traffic(pair, 10));
    expect(fault).toMatchObject({ code: 'E_UNAVAILABLE', where: 'intents' });
    expect(fault?.message).toContain('weight 5 under epoch 1, 10 under 1 was set');
  });
});

describe('holding the lease', () => {
  const hold = (epoch: number, leaseTtlMs = 800) =>
    run(world, holdLease, { environment: 'dev', service: 'intents', epoch, leaseTtlMs });
  const expiry = async () => Date.parse((await world.router.read('intents'))?.expiresAt ?? '');

  test('moves its end again and again, until it is cancelled', async () => {
    const pair = await servingPair(world);
    const beats: unknown[] = [];
    world.activity.on('heartbeat', (beat) => beats.push(beat));
    const first = Date.parse(
      (await run(world, setTraffic, { environment: 'dev', service: 'intents', ...pair, weight: 10, leaseTtlMs: 800 }))
        .expiresAt ?? '',
    );
    const holding = hold(pair.epoch);
    await vi.waitUntil(() => beats.length > 2, { timeout: 100_000 });
    expect(await expiry()).toBeGreaterThan(first);
    world.activity.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    await expect(holding).rejects.toBeInstanceOf(CancelledFailure);
  });

  test('ends when a newer epoch has taken over', async () => {
    const pair = await servingPair(world);
    await traffic({ ...pair, epoch: pair.epoch + 1 }, 10);
    const end = await hold(pair.epoch);
    expect(end).toMatchObject({ lost: true });
    expect(end).toMatchObject({ reason: expect.stringContaining('E_EPOCH') as string });
  });

  test('ends when the router went home by itself', async () => {
    const pair = await servingPair(world);
    await run(world, setTraffic, { environment: 'dev', service: 'intents', ...pair, weight: 10, leaseTtlMs: 60_000 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect(await hold(pair.epoch)).toMatchObject({
      lost: true,
      reason: expect.stringContaining('E_LEASE_EXPIRED') as string,
    });
    expect((await world.router.read('intents'))?.effectiveWeight).toBe(0);
  });

  test('goes on while the router cannot be reached: the lease decides, not one lost call', async () => {
    const pair = await servingPair(world);
    await traffic(pair, 10);
    const renew = world.router.renew.bind(world.router);
    let calls = 0;
    const beats: object[] = [];
    world.activity.on('heartbeat', (beat: object) => beats.push(beat));
    world.environment.ports.router = {
      ...world.router,
      renew: async (...args) => {
        if (++calls === 1) throw new Error('connection refused');
        return await renew(...args);
      },
    };
    const holding = hold(pair.epoch);
    await vi.waitUntil(() => calls > 1, { timeout: 100_000 });
    expect(beats).toContainEqual({ unreachable: 'Error: connection refused' });
    world.activity.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    await expect(holding).rejects.toBeInstanceOf(CancelledFailure);
  });
});

describe('a version', () => {
  const load = async (number: string) =>
    await run(world, loadVersion, { environment: 'dev', service: 'intents', version: await versionOf(world, number) });

  test('is loaded once, under the digest of the file that a server loads', async () => {
    const endpoint = await load('1');
    const version = await versionOf(world, '1');
    expect(endpoint).toMatchObject({ version: '1', sha256: version.model.files[0]?.sha256 });
    expect(await load('1')).toEqual(endpoint);
    expect(await world.serving.list()).toHaveLength(1);
  });

  test('is waited for until it is ready', async () => {
    let asked = 0;
    world.environment.ports.serving = { ...world.serving, ready: async () => ++asked > 2 };
    await load('1');
    expect(asked).toBe(3);
  });

  test('that never gets ready is refused after two minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let asked = 0;
    world.environment.ports.serving = { ...world.serving, ready: async () => ++asked < 0 };
    const refused = codesOf(load('1'));
    await vi.waitUntil(() => asked > 0, { timeout: 100_000 });
    vi.setSystemTime(Date.now() + 121_000);
    expect(await refused).toEqual(['E_SERVING_NOT_READY']);
  });

  test('whose file has changed in the store is not loaded', async () => {
    const version = await versionOf(world, '1');
    await world.store.put(world.store.key(version.model.files[0]!.uri), new TextEncoder().encode('tampered'));
    const refused = run(world, loadVersion, { environment: 'dev', service: 'intents', version });
    expect(await codesOf(refused)).toEqual(['E_ARTIFACT_DIGEST']);
  });

  test('is ended when no route names it, and left alone while one does', async () => {
    vi.useFakeTimers();
    const pair = await servingPair(world);
    await traffic(pair, 10);
    const unload = async (endpoint: Endpoint) => {
      const done = run(world, unloadVersion, { environment: 'dev', endpoint });
      await vi.advanceTimersByTimeAsync(2_000);
      await done;
      return (await world.serving.list()).map(({ id }) => id);
    };
    const both = [pair.champion.id, pair.candidate.id];
    expect(await unload(pair.candidate)).toEqual(both);
    expect(await unload(pair.champion)).toEqual(both);
    await traffic({ ...pair, candidate: null }, 0);
    expect(await unload(pair.candidate)).toEqual([pair.champion.id]);
  });
});
