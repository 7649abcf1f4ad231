import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type { GraphStage } from '../../plan/graph.js';
import { childRunWorkflowId } from '../../plan/names.js';
import { approval, chain, championEndpoint, fullGraph, patience, readied } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();
const day = 86_400;

/** Time limit in seconds of every scheduled activity of a history, by its name; 0 for none. */
function limitsOf(history: { events?: readonly Scheduled[] | null }): Map<string, { whole: number; one: number }> {
  const found = (history.events ?? []).flatMap(({ activityTaskScheduledEventAttributes: a }) => {
    const limits = { whole: seconds(a?.scheduleToCloseTimeout), one: seconds(a?.startToCloseTimeout) };
    return a == null ? [] : [[a.activityType?.name ?? '', limits] as const];
  });
  return new Map(found);
}
interface Scheduled {
  activityTaskScheduledEventAttributes?: {
    activityType?: { name?: string | null } | null;
    scheduleToCloseTimeout?: { seconds?: unknown } | null;
    startToCloseTimeout?: { seconds?: unknown } | null;
  } | null;
}
function seconds(duration: { seconds?: unknown } | null | undefined): number {
  return Number(duration?.seconds ?? 0);
}

describe('what must not give up', () => {
  it('has no time limit of half an hour: the lease, the promotion record and what follows it', async () => {
    await server.withRun({ graph: fullGraph(), champion: championEndpoint }, async (run) => {
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('promoted');
      const limits = limitsOf(await run.child('rollout:dev:intents').fetchHistory());
      expect(limits.get('holdLease')?.one).toBe(30 * day);
      for (const name of ['holdLease', 'commitPromotion', 'followPromotion']) {
        const whole = limits.get(name)?.whole ?? -1;
        // The server writes no limit as 0, or as one of years.
        expect(whole === 0 || whole >= 30 * day, `${name}: ${whole} s`).toBe(true);
      }
    });
  });
});

describe('the death of a worker', () => {
  it('is noticed by a heartbeat of 10 s, or of what the recovery of its environment says', async () => {
    const limits = { timeoutMs: 60_000, attempts: 1 };
    const graph = chain(
      { verb: 'train', limits },
      { verb: 'train', id: 'quick', limits: { ...limits, heartbeatMs: 4_000 } },
    );
    await server.withRun({ graph }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      const { events } = await run.handle.fetchHistory();
      const scheduled = (events ?? []).flatMap((e) => e.activityTaskScheduledEventAttributes ?? []);
      const trainings = scheduled.filter((a) => a.activityType?.name === 'trainModel');
      expect(trainings.map((a) => seconds(a.heartbeatTimeout))).toEqual([10, 4]);
    });
  });
});

describe('a job of a pool', () => {
  const limits = { timeoutMs: 60_000, attempts: 1 };
  const turn = { team: 'fraud', priority: 2 };

  it('waits for a slot as long as it takes, with its team and priority; a job without pool does not', async () => {
    const graph = chain(
      { verb: 'train', pool: 'gpu', limits, turn },
      { verb: 'task', id: 'free', limits, turn: { team: 'fraud' } },
      { verb: 'snapshot', job: true, limits },
    );
    await server.withRun({ graph, pools: ['gpu'] }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      const history = await run.handle.fetchHistory();
      const found = limitsOf(history);
      const pooled = found.get('trainModel')?.whole ?? -1;
      expect(pooled === 0 || pooled >= 30 * day, `${pooled} s`).toBe(true);
      expect(found.get('runTask')?.whole).toBe(60 + 3_600);
      // Its source is a job: its own limit begins when that does, however long it waits in its trainer's line.
      expect(found.get('snapshotData')?.one).toBe(60 + 30 * day);
      const scheduled = (history.events ?? []).flatMap((e) => e.activityTaskScheduledEventAttributes ?? []);
      const facts = scheduled.map((a) => [
        a.activityType?.name,
        a.taskQueue?.name,
        a.priority?.fairnessKey,
        a.priority?.priorityKey,
        a.retryPolicy?.maximumAttempts,
      ]);
      expect(facts).toContainEqual(['trainModel', 'jobs-gpu', 'fraud', 2, 240]);
      expect(facts).toContainEqual(['runTask', 'jobs', 'fraud', 0, 0]);
    });
  });
});

describe('the time limit of a stage', () => {
  const version = { at: '/version', ref: { from: 'stage', stage: 'register', path: [] } } as const;
  const limited = (timeoutMs: number) => ({ limits: { timeoutMs, attempts: 1 } });
  const promoting: Partial<GraphStage> = {
    verb: 'promote',
    promote: { service: null },
    bindings: [{ ...version, ref: { ...version.ref, path: [] } }],
  };

  it('is that of the work of a gate, a registration, a promotion and a message', async () => {
    const graph = chain(
      { verb: 'gate', gate: { champion: null, scores: 'none' }, ...limited(1_800_000) },
      { verb: 'register', ...limited(900_000) },
      { ...promoting, ...limited(120_000) },
      { verb: 'notify', ...limited(60_000) },
      { verb: 'validate', ...limited(240_000) },
    );
    await server.withRun({ graph: { ...graph, registryOutageMs: 1_200_000 } }, async (run) => {
      expect((await run.result).outcome).toBe('promoted');
      const found = limitsOf(await run.handle.fetchHistory());
      const named = (name: string) => found.get(name);
      expect(named('judgeGate')).toEqual({ whole: 1_800, one: 1_800 });
      // The registry may be away for as long as the environment allows.
      expect(named('registerModel')).toEqual({ whole: 1_200, one: 900 });
      expect(named('promoteVersion')).toEqual({ whole: 120, one: 120 });
      expect(named('sendNotice')).toEqual({ whole: 60, one: 60 });
      expect(named('validateData')).toEqual({ whole: 240 + 1_800, one: 240 });
    });
  });

  it('is named by the failure of a stage that is over it', async () => {
    const graph = chain({ verb: 'notify', ...limited(1_000) });
    await server.withRun({ graph, troubled: { sendNotice: ['too-long'] } }, async (run) => {
      await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(run.world.records[0]).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('E_STAGE_LIMIT stage notify was not done within its time limit of 1s'),
      });
    });
  });

  it('takes a rollout home to the champion, and the run fails', async () => {
    const graph = fullGraph({ rollout: { pollMs: 600_000 } });
    Object.assign(graph.stages.at(-1) ?? {}, limited(7_200_000));
    await server.withRun({ graph, champion: championEndpoint, analysis: ['inconclusive'] }, async (run) => {
      await run.handle.signal('decide', approval);
      await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(run.world.records[0]).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('E_STAGE_LIMIT stage rollout was not done within its time limit of 2h'),
      });
      const home = ['home to 1', 'tag rolled_back', 'unload 2'];
      expect(run.world.journal).toEqual([...readied, 'load', 'weight 10', ...home]);
      const child = await run.child('rollout:dev:intents').describe();
      expect(child.status.name).toBe('FAILED');
    });
  });

  it('is none of a rollout that is promoted in time', async () => {
    const graph = fullGraph();
    Object.assign(graph.stages.at(-1) ?? {}, limited(3 * 3_600_000));
    await server.withRun({ graph, champion: championEndpoint }, async (run) => {
      await run.handle.signal('decide', approval);
      expect((await run.result).outcome).toBe('promoted');
    });
  });

  it('cancels a run that another one started, and that one fails when it has ended', async () => {
    const waiting = { by: ['ml-leads'], quorum: 1, withinMs: 5 * 86_400_000, onTimeout: 'approve' } as const;
    const other = { ...chain({ verb: 'approve', approve: { ...waiting, by: [...waiting.by] } }), pipeline: 'other' };
    const graph = chain({ verb: 'run', run: { pipeline: 'other', params: {} }, ...limited(3_600_000) });
    await server.withRun({ graph, pipelines: { other } }, async (run) => {
      const child = childRunWorkflowId(run.handle.workflowId, 'run');
      await vi.waitFor(async () => expect(await run.child(child).query('run')).toBeDefined(), patience);
      await run.letPass(3_600_000);
      // Only the limit of the stage has passed: no deadline of the other run.
      await vi.waitFor(async () => expect((await run.handle.describe()).status.name).not.toBe('RUNNING'), patience);
      await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(run.world.records.map((r) => r.outcome)).toEqual(['cancelled', 'failed']);
      expect(run.world.records[1]?.reason).toContain(
        'E_STAGE_LIMIT stage run was not done within its time limit of 1h',
      );
    });
  });
});
