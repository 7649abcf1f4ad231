import { describe, expect, it } from 'vitest';
import { approval, chain, championEndpoint, fullGraph } from './scripted-world.js';
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
    );
    await server.withRun({ graph, pools: ['gpu'] }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      const history = await run.handle.fetchHistory();
      const found = limitsOf(history);
      const pooled = found.get('trainModel')?.whole ?? -1;
      expect(pooled === 0 || pooled >= 30 * day, `${pooled} s`).toBe(true);
      expect(found.get('runTask')?.whole).toBe(60 + 3_600);
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
