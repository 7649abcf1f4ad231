import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type { GateRow } from '../../plan/outputs.js';
import { championEndpoint, fullGraph } from './scripted-world.js';
import { testServer, type Started } from './test-server.js';

const server = testServer();
const approval = { decision: 'approve', by: 'a@example.com', reason: 'metrics ok' };
const patience = { timeout: 60_000, interval: 50 };
const readied = ['train attempt 1', 'register'];

const waiting = ({ view }: Started) =>
  vi.waitFor(async () => expect((await view()).state).toBe('waiting-approval'), patience);
const phase = ({ view }: Started, wanted: string) =>
  vi.waitFor(
    async () => expect((await view()).stages.find((s) => s.verb === 'rollout')?.status).toBe(wanted),
    patience,
  );

describe('a run of the whole pipeline', () => {
  it('promotes a better model step by step, in the order of its weights', async () => {
    await server.withRun({ graph: fullGraph(), champion: championEndpoint }, async (run) => {
      await run.handle.signal('decide', approval);
      expect(await run.result).toMatchObject({ outcome: 'promoted', record: 's3://slipway/runs/x.json' });
      expect(run.world.journal).toEqual([
        ...readied,
        'load',
        'weight 10',
        'weight 50',
        'weight 100',
        'commit',
        'home to 2',
        'aliases',
        'unload 1',
      ]);
      expect(run.world.told.map((e) => e.kind).sort()).toEqual(['approved', 'promoted', 'waiting-approval']);
    });
  });

  it('serves the first model without a canary, because there is nobody to go home to', async () => {
    await server.withRun({ graph: fullGraph() }, async (run) => {
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.journal).toEqual([...readied, 'load', 'commit', 'home to 2', 'aliases']);
      expect(run.world.records[0]?.stages.at(-1)?.output).toMatchObject({
        outcome: 'promoted',
        firstModel: true,
        sequence: 2,
      });
    });
  });

  it('ends rejected when the data are refused, and starts no training', async () => {
    await server.withRun({ graph: fullGraph(), data: { verdict: 'fail' } }, async (run) => {
      expect((await run.result).outcome).toBe('rejected');
      expect(run.world.journal).toEqual([]);
      expect(run.world.records[0]?.stages.map((s) => s.status)).toEqual([
        'done',
        'done',
        'skipped',
        'skipped',
        'skipped',
        'skipped',
        'skipped',
        'skipped',
      ]);
    });
  });

  it('ends rejected at a gate that says no, names the rule, and registers nothing', async () => {
    const row: GateRow = {
      rule: { kind: 'atLeast', metric: ['recall', 'cancel_order'], value: 0.9 },
      text: 'recall.cancel_order at least 0.9',
      value: 0.8,
      champion: null,
      threshold: 0.9,
      verdict: 'fail',
    };
    await server.withRun({ graph: fullGraph(), gate: { verdict: 'fail', rules: [row] } }, async (run) => {
      expect(await run.result).toMatchObject({
        outcome: 'rejected',
        reason: expect.stringContaining('recall.cancel_order at least 0.9, but it is 0.8'),
      });
      expect(run.world.journal).toEqual(['train attempt 1']);
    });
  });

  it('fails closed when a metric is missing', async () => {
    await server.withRun({ graph: fullGraph(), gate: { verdict: 'error' } }, async (run) => {
      await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(run.world.records[0]).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('E_METRIC_INVALID'),
      });
    });
  });

  it('gives a failed training job as many attempts as the stage allows', async () => {
    await server.withRun(
      { graph: fullGraph({ attempts: 3 }), train: { fails: 2, code: 'E_TRAINER_EXIT' } },
      async (run) => {
        await run.handle.signal('decide', approval);
        expect((await run.result).outcome).toBe('promoted');
        expect(run.world.journal.slice(0, 3)).toEqual(['train attempt 1', 'train attempt 2', 'train attempt 3']);
      },
    );
  });

  it('does not try again after a failure that would only repeat itself', async () => {
    await server.withRun(
      { graph: fullGraph({ attempts: 3 }), train: { fails: 1, code: 'E_TRAINER_CONTRACT' } },
      async (run) => {
        await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
        expect(run.world.journal).toEqual(['train attempt 1']);
        expect(run.world.told.at(-1)?.kind).toBe('failed');
      },
    );
  });

  it('cancels what runs and closes as cancelled', async () => {
    await server.withRun({ graph: fullGraph(), blockTraining: true }, async (run) => {
      await vi.waitFor(() => expect(run.world.journal).toEqual(['train attempt 1']), patience);
      await run.handle.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.journal).toEqual(['train attempt 1', 'training cancelled']);
      expect(run.world.records[0]).toMatchObject({ outcome: 'cancelled' });
      expect((await run.handle.describe()).status.name).toBe('CANCELLED');
    });
  });
});

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
      await phase(run, 'running');
      await vi.waitFor(() => expect(run.world.journal).toContain('weight 10'), patience);
      await server
        .environment()
        .client.workflow.getHandle('rollout:dev:intents')
        .signal('abort', { by: 'a@example.com', reason: 'odd answers' });
      expect(await run.result).toMatchObject({
        outcome: 'rolled_back',
        reason: 'aborted by a@example.com: odd answers',
      });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
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
      await run.handle.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
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
