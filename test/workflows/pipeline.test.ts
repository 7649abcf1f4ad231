import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it, vi } from 'vitest';
import type { GateRow } from '../../plan/outputs.js';
import { approval, championEndpoint, fullGraph, patience, readied } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();

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

  it('fails with at most 2 kB, that name the stage, the next step and where all of it can be read', async () => {
    const message = `E_TRAINER_EXIT job 1: ${'é'.repeat(980)} the last line`;
    const training = () => Promise.reject(ApplicationFailure.nonRetryable(message, 'TrainerFailed'));
    await server.withRun({ graph: fullGraph(), working: training }, async (run) => {
      const failed = (await run.result.catch((error: unknown) => error)) as WorkflowFailedError;
      const told = failed.cause?.message ?? '';
      expect(Buffer.byteLength(told)).toBeLessThanOrEqual(2_000);
      expect(told).toMatch(/^stage train of intents failed \(train, [^)]*\): E_TRAINER_EXIT job 1: é/);
      expect(told).toContain(`all: slipway describe ${run.handle.workflowId} --json) …`);
      expect(told).toMatch(
        new RegExp(`é the last line\\. Next: .*slipway rerun ${run.handle.workflowId} --from train`),
      );
      expect(run.world.records[0]?.reason).toContain(message);
    });
  });

  it('cancels what runs and closes as cancelled', async () => {
    await server.withRun({ graph: fullGraph(), blockTraining: true }, async (run) => {
      await vi.waitFor(() => expect(run.world.journal).toEqual(['train attempt 1']), patience);
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.journal).toEqual(['train attempt 1', 'training cancelled']);
      expect(run.world.records[0]).toMatchObject({ outcome: 'cancelled' });
      expect((await run.handle.describe()).status.name).toBe('CANCELLED');
    });
  });
});
