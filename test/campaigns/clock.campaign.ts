import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide, startRun } from '../../client/index.js';
import { bestOf } from '../best-of.js';
import { runUntil } from '../e2e/project.js';
import { msOf } from '../e2e/server-time.js';
import { type NamespaceProject, openNamespaceProject } from '../e2e/versioned-project.js';
import { deployWaiting } from '../e2e/waiting-plan.js';
import { fakeClock, needs } from '../needs.js';

const limitMs = 420_000;
const withinMs = 3_000;
/** I-74: by how much a deadline may be missed. */
const errorLimitMs = 1_000;

needs('faketime')('a worker whose clock jumps by two hours', () => {
  let project: NamespaceProject;
  let clock: string;

  beforeAll(async () => {
    project = await openNamespaceProject('clocks', { versioned: false, only: ['temporal', 's3'] });
    clock = join(project.root, 'clock');
    await writeFile(clock, '+0');
    await deployWaiting(project, 'patient', 3_600_000);
    await deployWaiting(project, 'hasty', withinMs);
    const env = {
      LD_PRELOAD: fakeClock() ?? '',
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      // Somebody sets the clock; what counts seconds since the start goes on.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    await project.startWorkerIn(env, 'skewed');
  }, limitMs);
  afterAll(() => project?.close());

  async function start(pipeline: string, runKey: string): Promise<string> {
    const request = { environment: 'clocks', pipeline, params: {}, runKey, trigger: 'test' };
    const { workflowId } = await startRun(project.client, request);
    await runUntil(project.client, workflowId, (r) => r.state === 'waiting-approval');
    return workflowId;
  }

  /** From the start of the one timer of a run until it fired, by the server's clock. */
  async function waited(workflowId: string): Promise<number> {
    const { events } = await project.client.temporal.workflow.getHandle(workflowId).fetchHistory();
    const began = (events ?? []).filter((e) => e.timerStartedEventAttributes != null);
    const fired = (events ?? []).filter((e) => e.timerFiredEventAttributes != null);
    if (began.length !== 1 || fired.length !== 1) throw new Error(`${began.length} timers, ${fired.length} fired`);
    return msOf(fired[0]?.eventTime) - msOf(began[0]?.eventTime);
  }

  test.each([
    ['forward', '+2h'],
    ['back', '-2h'],
  ])(
    '(%s) keeps every deadline within 1 s, and what waits goes on',
    async (way, jump) => {
      const patient = await start('patient', `patient-${way}`);
      const errorMs = await bestOf(3, errorLimitMs, async (nth) => {
        await writeFile(clock, '+0');
        const hasty = await start('hasty', `hasty-${way}-${nth}`);
        await writeFile(clock, jump);
        const ended = await runUntil(project.client, hasty, (r) => r.state === 'closed');
        expect(ended).toMatchObject({ outcome: 'rejected', reason: 'nobody decided at sign-off in time' });
        return Math.abs((await waited(hasty)) - withinMs);
      });
      console.log(`deadline met with an error of ${errorMs.toFixed(0)} ms`);
      expect(errorMs).toBeLessThanOrEqual(errorLimitMs);
      await decide(project.client, patient, { decision: 'approve', by: 'ada@example.com' });
      expect(await runUntil(project.client, patient, (r) => r.state === 'closed')).toMatchObject({
        outcome: 'completed',
      });
      await start('patient', `later-${way}`);
      await writeFile(clock, '+0');
    },
    limitMs,
  );
});
