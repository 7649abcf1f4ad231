import { describe, expect, it, vi } from 'vitest';
import { approval, championEndpoint, fullGraph, patience, readied } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();

describe('a canary', () => {
  const script = { graph: fullGraph(), champion: championEndpoint };
  const home = ['home to 1', 'tag rolled_back', 'unload 2'];

  it('goes home at the step whose judgement fails, and runs no later step', async () => {
    await server.withRun({ ...script, analysis: ['pass', 'fail'] }, async (run) => {
      await run.handle.signal('decide', approval);
      expect(await run.result).toMatchObject({
        outcome: 'rolled_back',
        reason: 'fallback-rate: 0.2 is above the maximum 0.08',
      });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', 'weight 50', ...home]);
      expect(run.world.told.map((e) => e.kind)).toContain('rolled_back');
    });
  });

  it('goes home when the bake at 100 % fails', async () => {
    await server.withRun({ ...script, analysis: ['pass', 'pass', 'fail'] }, async (run) => {
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('rolled_back');
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', 'weight 50', 'weight 100', ...home]);
    });
  });

  it('never advances on missing evidence: it rolls back where the policy says so', async () => {
    await server.withRun(
      { ...script, graph: fullGraph({ rollout: { onInconclusive: 'rollback' } }), analysis: ['inconclusive'] },
      async (run) => {
        await run.handle.signal('decide', approval);
        expect((await run.result).reason).toContain('inconclusive for too long');
        expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
      },
    );
  });

  it('holds the weight while inconclusive and goes on when the evidence arrives', async () => {
    await server.withRun({ ...script, analysis: ['inconclusive', 'inconclusive', 'pass'] }, async (run) => {
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.journal.filter((l) => l.startsWith('weight'))).toEqual(['weight 10', 'weight 50', 'weight 100']);
    });
  });

  it('goes home at once when a person aborts it', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', approval);
      await vi.waitFor(() => expect(run.world.journal).toContain('weight 10'), patience);
      await run.steer('abort', { by: 'a@example.com', reason: 'odd answers' });
      expect(await run.result).toMatchObject({
        outcome: 'rolled_back',
        reason: 'aborted by a@example.com: odd answers',
      });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
    });
  });

  it('stays at its weight while a person pauses it, and goes home when it turns bad in the pause', async () => {
    await server.withRun({ ...script, analysis: ['pass', 'fail'] }, async (run) => {
      await run.handle.signal('decide', approval);
      await vi.waitFor(() => expect(run.world.journal).toContain('weight 10'), patience);
      await run.steer('pause', { by: 'a@example.com' });
      expect(await run.result).toMatchObject({
        outcome: 'rolled_back',
        reason: expect.stringContaining('fallback-rate'),
      });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
    });
  });

  it('goes on after a pause', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', approval);
      await vi.waitFor(() => expect(run.world.journal).toContain('weight 10'), patience);
      await run.steer('pause', { by: 'a@example.com' });
      await run.steer('resume', { by: 'a@example.com' });
      expect((await run.result).outcome).toBe('promoted');
    });
  });

  it('refuses the word to go on while it is not paused, and to resume, and says so', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', approval);
      await vi.waitFor(() => expect(run.world.journal).toContain('weight 10'), patience);
      await run.steer('promote', { by: 'early@example.com' });
      await run.steer('resume', { by: 'early@example.com' });
      const refused = [
        { signal: 'promote', by: 'early@example.com', why: expect.stringContaining('its phase is canary') },
        { signal: 'resume', by: 'early@example.com', why: 'it is not paused' },
      ];
      await vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ refused }), patience);
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.records[0]?.stages.at(-1)?.output).toMatchObject({ refused });
      expect(JSON.stringify(run.world.records)).not.toContain('override');
    });
  });

  it('says that it did not go on for somebody who may not decide', async () => {
    const all = fullGraph();
    const stages = all.stages.filter((s) => s.verb !== 'approve');
    Object.assign(stages.at(-1) ?? {}, { needs: ['register'] });
    const graph = { ...all, stages };
    const guarded = { ...script, graph, protectedEnvironment: true, analysis: ['inconclusive' as const] };
    await server.withRun(guarded, async (run) => {
      await vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ phase: 'paused' }), patience);
      await run.steer('promote', { by: 'a@example.com' });
      const refused = [{ signal: 'promote', by: 'a@example.com', why: 'protected' }];
      await vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ refused }), patience);
      await run.steer('abort', { by: 'a@example.com' });
      expect((await run.result).outcome).toBe('rolled_back');
    });
  });

  it('of a first model has no step: a pause holds its promotion, and an abort ends it', async () => {
    let check = (): void => undefined;
    const checking = new Promise<void>((done) => (check = done));
    await server.withRun({ graph: fullGraph(), checking }, async (run) => {
      await run.handle.signal('decide', approval);
      await vi.waitFor(() => expect(run.world.journal).toContain('load'), patience);
      await vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ phase: 'checking' }), patience);
      await run.steer('pause', { by: 'a@example.com' });
      check();
      await vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ phase: 'paused' }), patience);
      await run.steer('promote', { by: 'a@example.com' });
      await run.steer('abort', { by: 'a@example.com', reason: 'wrong model' });
      expect(await run.result).toMatchObject({
        outcome: 'rolled_back',
        reason: 'aborted by a@example.com: wrong model',
      });
      expect(run.world.journal).toEqual([...readied, 'load', 'tag rejected', 'unload 2']);
      expect(run.world.records[0]?.stages.at(-1)?.output).toMatchObject({
        refused: [{ signal: 'promote', why: 'nothing is left to judge: send resume or abort' }],
      });
    });
  });

  it('is not steered at its run, which says so', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('abort', { by: 'a@example.com' });
      await run.handle.signal('decide', { ...approval, decision: 'reject' });
      expect((await run.result).outcome).toBe('rejected');
      expect(run.world.records[0]?.decisions).toMatchObject([
        { status: 'ignored', why: '`abort` is no signal of a run: known is decide' },
        { status: 'used' },
      ]);
    });
  });

  it('goes on without clear evidence on the word of a person, and keeps who said it', async () => {
    await server.withRun({ ...script, analysis: ['inconclusive'] }, async (run) => {
      await run.handle.signal('decide', approval);
      for (const weight of [10, 50, 100]) {
        await vi.waitFor(async () => expect(await run.rollout()).toMatchObject({ phase: 'paused', weight }), patience);
        await run.steer('promote', { by: 'a@example.com', reason: 'seen by hand' });
      }
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.records[0]?.stages.at(-1)?.output).toMatchObject({
        steps: [1, 2, 3].map(() => ({ override: { by: 'a@example.com', reason: 'seen by hand' } })),
      });
    });
  });

  it('is promoted although its alias or the last check could not be done, and says so', async () => {
    await server.withRun({ ...script, afterCommit: 'broken' }, async (run) => {
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.records[0]?.stages.at(-1)?.output).toMatchObject({
        outcome: 'promoted',
        serving: { verdict: 'error' },
      });
    });
  });

  it('removes the candidate and fails when the promotion record cannot be written at all', async () => {
    await server.withRun({ ...script, commitRefused: true }, async (run) => {
      await run.handle.signal('decide', approval);
      expect(await run.result).toMatchObject({
        outcome: 'rolled_back',
        reason: expect.stringContaining('E_S3_ACCESS'),
      });
      expect(run.world.journal.slice(-3)).toEqual(home);
    });
  });

  it('goes home when the router lost the lease, and does not resume the old weight', async () => {
    await server.withRun({ ...script, leaseHeldMs: 60_000 }, async (run) => {
      await run.handle.signal('decide', approval);
      expect(await run.result).toMatchObject({ outcome: 'rolled_back', reason: 'lease_expired: the router went home' });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
    });
  });

  it('goes home when its run is cancelled in the middle', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', approval);
      await vi.waitFor(() => expect(run.world.journal).toContain('weight 10'), patience);
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
      expect((await run.view()).rollout).toMatchObject({ phase: 'done', weight: 0, note: 'cancelled' });
    });
  });

  it('moves no traffic to a version that fails its smoke test', async () => {
    await server.withRun({ ...script, smoke: 'fail' }, async (run) => {
      await run.handle.signal('decide', approval);
      expect(await run.result).toMatchObject({ outcome: 'rejected', reason: expect.stringContaining('smoke request') });
      expect(run.world.journal).toEqual([...readied, 'load', 'tag rejected', 'unload 2']);
    });
  });

  it('ends rejected when another champion was promoted since the gate compared', async () => {
    await server.withRun(
      { ...script, predecessor: 5, gate: { champion: { version: '1', sequence: 4 } } },
      async (run) => {
        await run.handle.signal('decide', approval);
        expect(await run.result).toMatchObject({
          outcome: 'rejected',
          reason: expect.stringContaining('stale baseline'),
        });
      },
    );
  });

  it('goes home when it loses the race at the commit point', async () => {
    await server.withRun({ ...script, commitLost: true }, async (run) => {
      await run.handle.signal('decide', approval);
      expect(await run.result).toMatchObject({
        outcome: 'rejected',
        reason: expect.stringContaining('stale baseline'),
      });
      expect(run.world.journal).toContain('home to 1');
      expect(run.world.journal).not.toContain('aliases');
    });
  });
});
