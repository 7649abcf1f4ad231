import { describe, expect, it, vi } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import type { ApproveFlow } from '../../plan/graph.js';
import { approval, chain, championEndpoint, fullGraph, patience } from './scripted-world.js';
import { testServer, type Started } from './test-server.js';

const server = testServer();
const rolloutId = 'rollout:dev:intents';

/** More messages than one history should hold. */
async function flood(handle: WorkflowHandle, signal: string, payload: object): Promise<void> {
  for (let sent = 0; sent < 1_040; sent += 40)
    await Promise.all(Array.from({ length: 40 }, () => handle.signal(signal, payload)));
}
const runIdOf = async (handle: WorkflowHandle) => (await handle.describe()).runId;
const waits = (run: Started, stage: string) =>
  vi.waitFor(
    async () =>
      expect((await run.view()).stages.find((s) => s.id === stage)).toMatchObject({ status: 'waiting-approval' }),
    patience,
  );

describe('a run with a long history', () => {
  const two: ApproveFlow = { by: ['ml-leads'], quorum: 2, withinMs: 86_400_000, onTimeout: 'reject' };
  const graph = chain(
    { verb: 'train', id: 'train' },
    { verb: 'approve', id: 'first', approve: two },
    { verb: 'approve', id: 'second', approve: { ...two, quorum: 1 } },
    { verb: 'task', id: 'last' },
  );

  it('goes on in a new one while it waits, with every decision, deadline and output', async () => {
    await server.withRun({ graph }, async (run) => {
      const { handle } = run;
      await waits(run, 'first');
      await handle.signal('decide', { ...approval, by: 'b@example.com', stage: 'second' });
      await handle.signal('decide', { ...approval, stage: 'first' });
      await vi.waitFor(
        async () => expect((await run.view()).decisions.map((d) => d.status)).toEqual(['kept', 'used']),
        patience,
      );
      const before = await run.view();
      const firstRun = await runIdOf(handle);
      await flood(handle, 'decide', { decision: 'maybe' });
      await vi.waitFor(async () => expect(await runIdOf(handle)).not.toBe(firstRun), patience);
      await waits(run, 'first');

      const after = await run.view();
      expect(after.stages).toEqual(before.stages);
      expect(after.decisions.slice(0, 2).map((d) => d.status)).toEqual(['kept', 'used']);
      await handle.signal('decide', { ...approval, by: 'c@example.com', stage: 'first' });
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['train attempt 1', 'task last']);
      expect(run.world.told.filter((e) => e.kind === 'waiting-approval').map((e) => e.stage)).toEqual([
        'first',
        'second',
      ]);
      expect(run.world.given.filter((g) => g.activity === 'loadPlan')).toHaveLength(1);
      const [record] = run.world.records;
      expect(record?.stages.map((s) => s.status)).toEqual(['done', 'done', 'done', 'done']);
      expect(record?.stages.map((s) => s.output)).toMatchObject([
        { kind: 'model' },
        { by: 'a@example.com, c@example.com' },
        { by: 'b@example.com' },
        { kind: 'task' },
      ]);
      expect(Date.parse(record?.startedAt ?? '')).toBeLessThanOrEqual(Date.parse(before.stages[0]?.startedAt ?? ''));
      const attributes = (await handle.describe()).typedSearchAttributes;
      expect(JSON.stringify(attributes)).toContain('PlanDigest');
    });
  });

  it('keeps the deadline of an approval that waits', async () => {
    await server.withRun({ graph }, async (run) => {
      await waits(run, 'first');
      const firstRun = await runIdOf(run.handle);
      await flood(run.handle, 'decide', { decision: 'maybe' });
      await vi.waitFor(async () => expect(await runIdOf(run.handle)).not.toBe(firstRun), patience);
      expect(await run.result).toMatchObject({ outcome: 'rejected', reason: 'nobody decided at first in time' });
      const [record] = run.world.records;
      const waited = Date.parse(record?.stages[1]?.endedAt ?? '') - Date.parse(record?.stages[1]?.startedAt ?? '');
      expect(Math.abs(waited - two.withinMs)).toBeLessThan(60_000);
    });
  });

  it('is cancelled like any other after it went on', async () => {
    await server.withRun({ graph }, async (run) => {
      await waits(run, 'first');
      const firstRun = await runIdOf(run.handle);
      await flood(run.handle, 'decide', { decision: 'maybe' });
      await vi.waitFor(async () => expect(await runIdOf(run.handle)).not.toBe(firstRun), patience);
      await waits(run, 'first');
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.records[0]).toMatchObject({ outcome: 'cancelled' });
    });
  });

  it('takes carried state from no one else', async () => {
    await server.withRun(
      { graph },
      async (run) => {
        await expect(run.result).rejects.toMatchObject({ cause: { message: expect.stringContaining('E_INPUT') } });
        expect(run.world.given).toEqual([]);
      },
      { carried: { format: 1 } },
    );
  });
});

describe('a rollout with a long history', () => {
  it('goes on in a new one in the middle of a step, under the same epoch, and is promoted', async () => {
    await server.withRun(
      { graph: fullGraph(), champion: championEndpoint, analysis: ['inconclusive'] },
      async (run) => {
        await run.handle.signal('decide', approval);
        const paused = (weight: number) =>
          vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ phase: 'paused', weight }), patience);
        await paused(10);
        const handle = run.child(rolloutId);
        const firstRun = await runIdOf(handle);
        await flood(handle, 'resume', { by: 'a@example.com' });
        await vi.waitFor(async () => expect(await runIdOf(handle)).not.toBe(firstRun), patience);
        for (const weight of [10, 50, 100]) {
          await paused(weight);
          await run.steer('promote', { by: 'a@example.com', reason: 'seen by hand' });
        }
        expect((await run.result).outcome).toBe('promoted');
        expect(run.world.journal.filter((l) => /^(load|weight|commit)/.test(l))).toEqual([
          'load',
          'weight 10',
          'weight 10',
          'weight 50',
          'weight 100',
          'commit',
        ]);
        const leases = run.world.given.filter((g) => g.activity === 'holdLease');
        expect(leases.map((g) => (g.input as { epoch: number }).epoch)).toEqual([7, 7]);
        expect(run.world.records[0]?.stages.at(-1)?.output).toMatchObject({
          steps: [{ weight: 10 }, { weight: 50 }, { weight: 100 }],
        });
      },
    );
  });
});
