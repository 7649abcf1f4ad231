import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide, startRun } from '../../client/index.js';
import { fakeClock, needs } from '../needs.js';
import { runUntil } from '../e2e/project.js';
import { deployWaiting } from '../e2e/waiting-plan.js';
import { type NamespaceProject, openNamespaceProject } from '../e2e/versioned-project.js';

const limitMs = 420_000;
const withinMs = 8_000;
/** What the row allows. */
const mostErrorMs = 1_000;

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

  test.each([
    ['forward', '+2h'],
    ['back', '-2h'],
  ])(
    '(%s) keeps every deadline within 1 s, and what waits goes on',
    async (way, jump) => {
      const hasty = await start('hasty', `hasty-${way}`);
      const patient = await start('patient', `patient-${way}`);
      await writeFile(clock, jump);
      const ended = await runUntil(project.client, hasty, (r) => r.state === 'closed');
      expect(ended).toMatchObject({ outcome: 'rejected', reason: 'nobody decided at sign-off in time' });
      const { events } = await project.client.temporal.workflow.getHandle(hasty).fetchHistory();
      const at = (found: (e: NonNullable<typeof events>[number]) => boolean): number[] =>
        (events ?? []).filter(found).map((e) => Number(e.eventTime?.seconds) * 1_000 + (e.eventTime?.nanos ?? 0) / 1e6);
      const began = at((e) => e.timerStartedEventAttributes != null);
      const fired = at((e) => e.timerFiredEventAttributes != null);
      expect([began.length, fired.length]).toEqual([1, 1]);
      const late = (fired[0] ?? 0) - (began[0] ?? 0) - withinMs;
      console.log(`deadline met with an error of ${late.toFixed(0)} ms`);
      expect(Math.abs(late)).toBeLessThanOrEqual(mostErrorMs);
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
