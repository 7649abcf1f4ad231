import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import { idempotencyKey } from '../../activities/digest.js';
import { runJob } from '../../activities/run-job.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import { fakeTrainer } from '../../testing/fakes/trainer.js';
import { chain, patience } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();
/** A day at one poll in 30 s is 2,880. */
const manyPolls = 3_000;
const graph = chain({ verb: 'train', limits: { timeoutMs: 86_400_000, attempts: 1 } }, { verb: 'register' });

/** A trainer whose job runs until it was polled so often and `released` says so; `training` is the activity's own way with it. */
function slowTrainer(released = () => true) {
  // The activity's own pauses grow up to `pollMs`.
  const trainer = Object.assign(
    fakeTrainer(() => ({ ending: 'runs' })),
    { pollMs: 1 },
  );
  const { poll } = trainer;
  const seen = { polls: 0 };
  trainer.poll = async (job) => {
    seen.polls += 1;
    const { key } = [...trainer.jobs.values()][0] ?? { key: '' };
    const done = seen.polls >= manyPolls && released();
    return done ? { phase: 'succeeded', manifest: { format: 1, key, files: [], metrics: null } } : await poll(job);
  };
  const training = (call: Parameters<typeof idempotencyKey>[0]) =>
    runJob(
      trainer,
      {
        command: ['train'],
        hyperparameters: {},
        environment: {},
        outputs: 's3://slipway/jobs/1/',
      } as unknown as JobSpec,
      idempotencyKey(call),
    );
  return { trainer, seen, training };
}

/** Types of the events, those of activities with the activity's name. */
async function eventTypes(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).map((e) => {
    const name = e.activityTaskScheduledEventAttributes?.activityType?.name;
    if (name != null) return `scheduled ${name}`;
    const [attributes] = Object.keys(e).filter((k) => k.endsWith('EventAttributes'));
    return String(attributes).replace('EventAttributes', '');
  });
}

describe('a training of a day', () => {
  it('is one activity and adds no more than twenty events to the history, however often it is polled', async () => {
    const { seen, trainer, training } = slowTrainer();
    await server.withRun({ graph, working: training }, async ({ handle, result, world }) => {
      expect((await result).outcome).toBe('completed');
      expect(seen.polls).toBe(manyPolls);
      expect(trainer.jobs.size).toBe(1);
      expect(world.journal).toEqual(['train attempt 1', 'register']);
      const types = await eventTypes(handle);
      expect(types.filter((type) => type === 'scheduled trainModel')).toHaveLength(1);
      const begin = types.indexOf('scheduled trainModel');
      const next = types.indexOf('scheduled registerModel');
      expect(begin).toBeGreaterThan(0);
      expect(next - begin).toBeGreaterThan(0);
      expect(next - begin).toBeLessThanOrEqual(20);
      expect(types.length).toBeLessThanOrEqual(60);
    });
  });

  it('outlives 500 messages in one history, far below the limit of the server', async () => {
    let sent = 0;
    const { seen, training } = slowTrainer(() => sent === 500);
    await server.withRun({ graph, working: training }, async (run) => {
      await vi.waitFor(() => expect(seen.polls).toBeGreaterThan(0), patience);
      const { runId } = await run.handle.describe();
      for (; sent < 500; sent += 20)
        await Promise.all(Array.from({ length: 20 }, () => run.handle.signal('decide', { decision: 'maybe' })));
      expect((await run.result).outcome).toBe('completed');
      expect(seen.polls).toBeGreaterThanOrEqual(manyPolls);
      const ended = await run.handle.describe();
      expect(ended).toMatchObject({ runId, status: { name: 'COMPLETED' } });
      const types = await eventTypes(run.handle);
      expect(types.filter((type) => type === 'workflowExecutionSignaled')).toHaveLength(500);
      expect(types.length).toBeLessThan(4_096);
    });
  });
});
