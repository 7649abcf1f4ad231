import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it, vi } from 'vitest';
import type { GraphStage } from '../../plan/graph.js';
import type { Script } from './scripted-world.js';
import { chain, failed, patience, untilCancelled } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();
const limits = { timeoutMs: 86_400_000, attempts: 1 };
const graph = chain({ verb: 'train', limits });
const ends = (error: ApplicationFailure): Script => ({ graph, leftJob: true, working: () => Promise.reject(error) });
const away = ApplicationFailure.retryable('no answer', 'Unavailable', { code: 'E_UNAVAILABLE' });
const ofJob = ApplicationFailure.nonRetryable('exit 1', 'TrainerFailed', { code: 'E_TRAINER_EXIT', adapter: 'fake' });

describe('a job whose activity ended without it', () => {
  it.each<GraphStage['verb']>(['train', 'evaluate', 'snapshot'])(
    'of %s is stopped before its run is cancelled: nothing of ours runs between two tries',
    async (verb) => {
      const own = chain({ verb, limits, ...(verb === 'snapshot' && { job: true }) });
      await server.withRun({ ...ends(away), graph: own }, async (run) => {
        await vi.waitUntil(() => run.world.journal.length >= 2, patience);
        await run.cancel();
        await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
        expect(run.world.journal.at(-1)).toBe(`stop the job of ${verb}`);
        expect(run.world.records[0]).toMatchObject({ outcome: 'cancelled' });
      });
    },
  );

  it('is stopped before its run is cancelled, when the worker that was about to do so died', async () => {
    const dies = (): Promise<unknown> =>
      untilCancelled(() => undefined).catch(() => Promise.reject(failed('E_HEARTBEAT')));
    await server.withRun({ ...ends(away), working: dies }, async (run) => {
      await vi.waitUntil(() => run.world.journal.length > 0, patience);
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.journal).toEqual(['train attempt 1', 'stop the job of train']);
      expect(run.world.records[0]).toMatchObject({ outcome: 'cancelled' });
    });
  });

  it.each<GraphStage['verb']>(['train', 'snapshot'])(
    'of %s is stopped before its run fails for what was said by nobody who knows how it ended',
    async (verb) => {
      const own = chain({ verb, limits, ...(verb === 'snapshot' && { job: true }) });
      await server.withRun({ ...ends(failed('E_TRAINER_ACCESS')), graph: own }, async (run) => {
        await expect(run.result).rejects.toThrow('Workflow execution failed');
        expect(run.world.journal).toEqual([`${verb} attempt 1`, `stop the job of ${verb}`]);
      });
    },
  );

  it('is stopped when its trainer stayed away for as many tries as an hour holds', async () => {
    await server.withRun(ends(away), async (run) => {
      await expect(run.result).rejects.toThrow('Workflow execution failed');
      expect(run.world.journal.filter((line) => line === 'train attempt 1')).toHaveLength(240);
      expect(run.world.journal.at(-1)).toBe('stop the job of train');
    });
  });
});

describe('a job that nobody can stop', () => {
  it('is named with the failure, and no other attempt begins beside it', async () => {
    const twice = chain({ verb: 'train', limits: { timeoutMs: 86_400_000, attempts: 2 } });
    await server.withRun({ ...ends(failed('E_STORE')), graph: twice, leftJob: 'stuck' }, async (run) => {
      await expect(run.result).rejects.toThrow('Workflow execution failed');
      expect(run.world.journal).toEqual(['train attempt 1']);
      expect(run.world.records[0]?.reason).toContain(
        'E_STORE: exit 1; its job may still run: `slipway doctor` lists it',
      );
    });
  });

  it('is no obstacle to another attempt once it has been stopped', async () => {
    const twice = chain({ verb: 'train', limits: { timeoutMs: 86_400_000, attempts: 2 } });
    await server.withRun({ ...ends(failed('E_STORE')), graph: twice }, async (run) => {
      await expect(run.result).rejects.toThrow('Workflow execution failed');
      const stop = 'stop the job of train';
      expect(run.world.journal).toEqual(['train attempt 1', stop, 'train attempt 2', stop]);
    });
  });
});

describe('nothing is stopped', () => {
  it.each([
    ['the trainer told how the job ended', ends(ofJob)],
    ['no job was begun', { ...ends(failed('E_TRAINER_ACCESS')), leftJob: false }],
  ])('where %s', async (_, script) => {
    await server.withRun(script, async (run) => {
      await expect(run.result).rejects.toThrow('Workflow execution failed');
      expect(run.world.journal).toEqual(['train attempt 1']);
    });
  });
});
