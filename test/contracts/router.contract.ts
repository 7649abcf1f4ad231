import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Route, Router } from '../../adapters/router/port.js';
import type { Endpoint } from '../../plan/outputs.js';

export interface RouterHarness {
  router: Router;
  /** Two servers of a service that no other test uses. */
  newService(): Promise<{ service: string; champion: Endpoint; candidate: Endpoint }>;
  /** Id of the endpoint that a user's request reaches. */
  reach(service: string, user: string): Promise<string>;
  close(): Promise<void>;
}

const inOneMinute = (): string => new Date(Date.now() + 60_000).toISOString();
const users = Array.from({ length: 1_000 }, (_, n) => `user-${n}`);

/** What every router must do. */
export function describeRouter(name: string, open: () => Promise<RouterHarness>): void {
  describe(`router ${name}`, () => {
    let harness: RouterHarness;
    let router: Router;
    beforeAll(async () => {
      harness = await open();
      router = harness.router;
    });
    afterAll(() => harness.close());

    async function reached(service: string, asked: readonly string[]): Promise<string[]> {
      const answers: string[] = [];
      for (const user of asked) answers.push(await harness.reach(service, user));
      return answers;
    }
    async function canary(
      weight: number,
      epoch = 1,
    ): Promise<{ route: Route; champion: Endpoint; candidate: Endpoint }> {
      const { service, champion, candidate } = await harness.newService();
      const route = { service, champion, candidate, weight, epoch, expiresAt: inOneMinute() };
      await router.apply(route);
      return { route, champion, candidate };
    }

    describe('a route', () => {
      test('that was never applied reads as undefined', async () => {
        expect(await router.read('never-applied')).toBeUndefined();
      });

      test('to a champion alone brings every user there', async () => {
        const { service, champion } = await harness.newService();
        const route = { service, champion, candidate: null, weight: 0, epoch: 0, expiresAt: null };
        expect(await router.apply(route)).toEqual({ ...route, effectiveWeight: 0, expired: false });
        expect(await router.read(service)).toEqual({ ...route, effectiveWeight: 0, expired: false });
        expect(new Set(await reached(service, users.slice(0, 20)))).toEqual(new Set([champion.id]));
      });

      test('reads back as the router has it, also when applied twice', async () => {
        const { route } = await canary(25);
        expect(await router.apply(route)).toEqual({ ...route, effectiveWeight: 25, expired: false });
        expect(await router.read(route.service)).toEqual({ ...route, effectiveWeight: 25, expired: false });
      });

      test('at 100 percent brings every user to the candidate, and home again', async () => {
        const { route, champion, candidate } = await canary(100);
        expect(new Set(await reached(route.service, users.slice(0, 20)))).toEqual(new Set([candidate.id]));
        await router.apply({ ...route, candidate: null, weight: 0, expiresAt: null });
        expect(new Set(await reached(route.service, users.slice(0, 20)))).toEqual(new Set([champion.id]));
      });

      test('with a weight but no candidate is refused', async () => {
        const { service, champion } = await harness.newService();
        const route = { service, champion, candidate: null, weight: 10, epoch: 0, expiresAt: null };
        await expect(router.apply(route)).rejects.toMatchObject({ code: 'E_ROUTE' });
        expect(await router.read(service)).toBeUndefined();
      });

      test('to a candidate without an end of its lease is refused', async () => {
        const { service, champion, candidate } = await harness.newService();
        const route = { service, champion, candidate, weight: 10, epoch: 0, expiresAt: null };
        await expect(router.apply(route)).rejects.toMatchObject({ code: 'E_ROUTE' });
      });
    });

    describe('users', () => {
      test('at 10 percent: 100 ± 28 of 1,000 reach the candidate, each user always the same', async () => {
        const { route, candidate } = await canary(10);
        const first = await reached(route.service, users);
        const share = first.filter((id) => id === candidate.id).length;
        expect(share).toBeGreaterThanOrEqual(72);
        expect(share).toBeLessThanOrEqual(128);
        expect(await reached(route.service, users)).toEqual(first);
      });

      test('of the candidate stay with it while its share grows', async () => {
        const { route, candidate } = await canary(10);
        const before = (await reached(route.service, users)).flatMap((id, n) =>
          id === candidate.id ? [users[n] ?? ''] : [],
        );
        await router.apply({ ...route, weight: 50 });
        expect(new Set(await reached(route.service, before))).toEqual(new Set([candidate.id]));
      });
    });

    describe('an epoch', () => {
      test('lower than the one held is refused with both, and nothing moves', async () => {
        const { route } = await canary(10, 7);
        const late = router.apply({ ...route, weight: 90, epoch: 6 });
        await expect(late).rejects.toMatchObject({
          code: 'E_EPOCH',
          message: expect.stringMatching(/\b6\b.*\b7\b/) as string,
        });
        expect(await router.read(route.service)).toMatchObject({ epoch: 7, weight: 10, effectiveWeight: 10 });
      });

      test('has weights that only grow: a lower one is late and refused, and nothing moves; going home is not', async () => {
        const { route } = await canary(50, 3);
        await router.apply({ ...route, weight: 90 });
        await expect(router.apply(route)).rejects.toMatchObject({
          code: 'E_EPOCH',
          message: expect.stringMatching(/\b50\b.*\b90\b/) as string,
        });
        expect(await router.read(route.service)).toMatchObject({ weight: 90, effectiveWeight: 90 });
        expect(await router.apply({ ...route, candidate: null, weight: 0, expiresAt: null })).toMatchObject({
          effectiveWeight: 0,
        });
      });

      test('that went home to the candidate stays there: what its former champion was told comes late', async () => {
        const { route, candidate } = await canary(50, 3);
        const home = { ...route, candidate: null, weight: 0, expiresAt: null };
        await router.apply({ ...home, champion: candidate });
        await expect(router.apply(home)).rejects.toMatchObject({
          code: 'E_EPOCH',
          message: expect.stringContaining(candidate.id) as string,
        });
        expect(await router.read(route.service)).toMatchObject({ champion: { id: candidate.id }, effectiveWeight: 0 });
        // Told twice is the same; a later rollout may go anywhere.
        expect(await router.apply({ ...home, champion: candidate })).toMatchObject({ effectiveWeight: 0 });
        expect(await router.apply({ ...home, epoch: 4 })).toMatchObject({ champion: { id: route.champion.id } });
      });

      test('that is higher takes over, and the former holder can no longer renew', async () => {
        const { route } = await canary(10, 1);
        await router.apply({ ...route, epoch: 2, candidate: null, weight: 0, expiresAt: null });
        await expect(router.renew(route.service, 1, inOneMinute())).rejects.toMatchObject({ code: 'E_EPOCH' });
      });
    });

    describe('a lease', () => {
      test('goes on when it is renewed, and never gets shorter', async () => {
        const { route } = await canary(10);
        const later = new Date(Date.now() + 120_000).toISOString();
        expect(await router.renew(route.service, route.epoch, later)).toMatchObject({
          expiresAt: later,
          effectiveWeight: 10,
        });
        expect(await router.renew(route.service, route.epoch, inOneMinute())).toMatchObject({ expiresAt: later });
      });

      test('that ends brings every user home by itself; it cannot be renewed or taken up again', async () => {
        const { route, champion } = await canary(100);
        const ends = { ...route, epoch: 2, expiresAt: new Date(Date.now() + 300).toISOString() };
        await router.apply(ends);
        await vi.waitUntil(async () => (await router.read(route.service))?.expired, { timeout: 100_000 });
        await vi.waitUntil(async () => (await router.read(route.service))?.effectiveWeight === 0, { timeout: 100_000 });
        expect(new Set(await reached(route.service, users.slice(0, 20)))).toEqual(new Set([champion.id]));
        await expect(router.renew(route.service, 2, inOneMinute())).rejects.toMatchObject({ code: 'E_LEASE_EXPIRED' });
        await expect(router.apply({ ...ends, expiresAt: inOneMinute() })).rejects.toMatchObject({
          code: 'E_LEASE_EXPIRED',
        });
        expect(await router.apply({ ...ends, epoch: 3, weight: 20, expiresAt: inOneMinute() })).toMatchObject({
          effectiveWeight: 20,
        });
      });

      test('that has ended already is not accepted', async () => {
        const { route } = await canary(10);
        const past = { ...route, weight: 50, epoch: 2, expiresAt: new Date(Date.now() - 1).toISOString() };
        await expect(router.apply(past)).rejects.toMatchObject({ code: 'E_LEASE_EXPIRED' });
        expect(await router.read(route.service)).toMatchObject({ epoch: 1, effectiveWeight: 10 });
      });
    });
  });
}
