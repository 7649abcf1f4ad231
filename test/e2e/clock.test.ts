import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide, startRun } from '../../client/index.js';
import { runUntil } from './project.js';
import { deployWaiting } from './waiting-plan.js';
import { type NamespaceProject, openNamespaceProject } from './versioned-project.js';

const limitMs = 420_000;
const withinMs = 8_000;
const library = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
  .find((file) => existsSync(file));
const required = process.env['SLIPWAY_REQUIRE_DEBIAN'] === '1';

describe.skipIf(library === undefined && !required)('a worker whose clock jumps by two hours', () => {
  let project: NamespaceProject;
  let clock: string;

  beforeAll(async () => {
    if (library === undefined) throw new Error('libfaketime is missing: apt-get install libfaketime');
    project = await openNamespaceProject('clocks', { versioned: false, only: ['temporal', 's3'] });
    clock = join(project.root, 'clock');
    await writeFile(clock, '+0');
    await deployWaiting(project, 'patient', 3_600_000);
    await deployWaiting(project, 'hasty', withinMs);
    const env = {
      LD_PRELOAD: library,
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
    '(%s) keeps every deadline, and what waits goes on',
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
      // A busy server fires its timers late, but not by hours.
      expect(Math.abs(late)).toBeLessThan(60_000);
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
