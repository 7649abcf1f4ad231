import { describe, expect, it, vi } from 'vitest';
import type { ApproveFlow } from '../../plan/graph.js';
import type { GateRow } from '../../plan/outputs.js';
import { approval, chain, fullGraph, patience, readied } from './scripted-world.js';
import { testServer, type Started } from './test-server.js';

const server = testServer();
const once: ApproveFlow = { by: ['ml-leads'], quorum: 1, withinMs: 86_400_000, onTimeout: 'reject' };
const waiting = ({ view }: Started) =>
  vi.waitFor(async () => expect((await view()).state).toBe('waiting-approval'), patience);

describe('an approval', () => {
  const script = { graph: fullGraph() };

  it('that rejects ends the run as rejected, tells people and loads nothing', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', { decision: 'reject', by: 'a@example.com', reason: 'not now' });
      expect(await run.result).toMatchObject({
        outcome: 'rejected',
        reason: 'rejected at approve by a@example.com: not now',
      });
      expect(run.world.journal).toEqual(readied);
      expect(run.world.told.map((e) => e.kind)).toContain('rejected');
    });
  });

  it('is recorded with who, when, why and by which channel', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', approval);
      await run.result;
      expect(run.world.records[0]?.stages.find((s) => s.verb === 'approve')?.output).toMatchObject({
        decision: 'approve',
        by: 'a@example.com',
        reason: 'metrics ok',
        channel: 'signal',
        verified: false,
        at: expect.stringMatching(/^20/),
      });
    });
  });

  it('may arrive as JSON in a string', async () => {
    await server.withRun(script, async (run) => {
      await run.handle.signal('decide', JSON.stringify(approval));
      expect((await run.result).outcome).toBe('promoted');
    });
  });

  it.each([
    ['a wrong word', { decision: 'yes', by: 'a' }],
    ['nothing', undefined],
    ['an unknown key', { ...approval, aproval: 1 }],
    ['a number', 7],
    ['no person', { decision: 'approve' }],
  ])('that says %s is ignored, and the details show the right JSON', async (_, payload) => {
    await server.withRun(script, async (run) => {
      await waiting(run);
      await run.handle.signal('decide', ...(payload === undefined ? [] : [payload]));
      await vi.waitFor(
        async () => expect((await run.view()).decisions).toMatchObject([{ status: 'ignored' }]),
        patience,
      );
      const details = await currentDetails(run);
      expect(details).toContain('Decisions that were not taken');
      expect(details).toContain('{"decision":"approve","by":"you@example.com"');
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('promoted');
    });
  });

  it('counts once: the first of two at once decides, the other is on record as late', async () => {
    await server.withRun(script, async (run) => {
      await waiting(run);
      await Promise.all([
        run.handle.signal('decide', approval),
        run.handle.signal('decide', { decision: 'reject', by: 'b@example.com' }),
      ]);
      const { outcome } = await run.result;
      expect(['promoted', 'rejected']).toContain(outcome);
      expect(run.world.records[0]?.decisions.map((d) => d.status)).toEqual(['used', 'late']);
    });
  });

  it('given twice does not approve the next stage that waits', async () => {
    const graph = chain(
      { verb: 'approve', id: 'first', approve: once },
      { verb: 'approve', id: 'second', approve: once },
    );
    await server.withRun({ graph }, async (run) => {
      await waiting(run);
      await Promise.all([run.handle.signal('decide', approval), run.handle.signal('decide', approval)]);
      expect(await run.result).toMatchObject({ outcome: 'rejected', reason: 'nobody decided at second in time' });
      expect(run.world.records[0]?.decisions.map((d) => d.status)).toEqual(['used', 'late']);
    });
  });

  it('that nobody gives in time is a no', async () => {
    await server.withRun(script, async (run) => {
      expect(await run.result).toMatchObject({ outcome: 'rejected', reason: 'nobody decided at approve in time' });
      expect(run.world.journal).toEqual(readied);
    });
  });

  it('needs as many different people as the quorum says', async () => {
    const graph = fullGraph({ approve: { by: ['a', 'b', 'c'], quorum: 2, withinMs: 86_400_000, onTimeout: 'reject' } });
    await server.withRun({ graph }, async (run) => {
      await waiting(run);
      for (const by of ['a', 'a', 'b']) await run.handle.signal('decide', { decision: 'approve', by });
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.records[0]?.decisions).toMatchObject([
        { by: 'a', status: 'used' },
        { by: 'a', status: 'ignored', why: 'has approved already' },
        { by: 'b', status: 'used' },
      ]);
    });
  });

  it('is refused in a protected environment while nobody can prove who they are', async () => {
    await server.withRun({ ...script, protectedEnvironment: true }, async (run) => {
      await waiting(run);
      await run.handle.signal('decide', approval);
      await vi.waitFor(
        async () => expect((await run.view()).decisions).toMatchObject([{ status: 'ignored', why: 'protected' }]),
        patience,
      );
      expect((await run.view()).state).toBe('waiting-approval');
    });
  });

  it('as an update is answered at once: refused when malformed, used when right', async () => {
    await server.withRun(script, async (run) => {
      await waiting(run);
      await expect(run.handle.executeUpdate('decide', { args: [{ decision: 'approved', by: 'a' }] })).rejects.toThrow(
        /update/i,
      );
      expect(await run.handle.executeUpdate('decide', { args: [approval] })).toMatchObject({
        status: 'used',
        channel: 'update',
      });
      expect((await run.result).outcome).toBe('promoted');
    });
  });
});

describe('current details', () => {
  it('stay below 20,000 bytes with 200 gate rules and still say what to send', async () => {
    const rules = Array.from({ length: 200 }, (_, i): GateRow => ({
      rule: { kind: 'atLeast', metric: ['recall', `intent_${i}`], value: 0.9 },
      text: `recall.intent_${i}_with_a_rather_long_name_to_fill_the_table at least 0.9`,
      value: 0.95,
      champion: 0.94,
      threshold: 0.9,
      verdict: 'pass',
    }));
    await server.withRun({ graph: fullGraph(), gate: { rules } }, async (run) => {
      await waiting(run);
      const details = await currentDetails(run);
      expect(Buffer.byteLength(details)).toBeLessThan(20_000);
      expect(details).toContain('Stage `approve` waits for approval');
      expect(details).toContain('signal `decide`');
      expect(details).toContain('{"decision":"approve"');
      expect(details).toContain('recall.intent_0_');
    });
  });
});

async function currentDetails({ handle }: Started): Promise<string> {
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}
