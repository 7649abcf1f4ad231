import { afterEach, describe, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { deployPatient, type PatientJobs } from './patient-job.js';
import { runUntil } from './project.js';
import { openNamespaceProject, until, type NamespaceProject } from './versioned-project.js';

const limitMs = 600_000;
let project: NamespaceProject | undefined;
afterEach(() => project?.close());

async function open(recovery: 'usual' | 'fast'): Promise<{ project: NamespaceProject; jobs: PatientJobs }> {
  const only = ['temporal', 's3', 'mlflow'] as const;
  project = await openNamespaceProject(`takeover-${recovery}`, {
    versioned: false,
    only: [...only],
    recovery,
    environment: recovery,
  });
  return { project, jobs: await deployPatient(project) };
}

/** Waits until the training is watched in a try of this number or a later one, by the worker of this process. */
async function watchedBy({ client }: NamespaceProject, workflowId: string, pid: number, tries: number): Promise<void> {
  await until(async () => {
    const { raw } = await client.temporal.workflow.getHandle(workflowId).describe();
    const [activity] = raw.pendingActivities ?? [];
    const { attempt = 0, lastWorkerIdentity = '', state, lastHeartbeatTime } = activity ?? {};
    // The job is in the heartbeat once it is known.
    const beats = lastHeartbeatTime != null && state === 2;
    return beats && (attempt ?? 0) >= tries && String(lastWorkerIdentity).includes(` ${pid}@`);
  });
}

describe.each([
  { recovery: 'fast', heartbeatSeconds: 4, rowMs: 8_000 },
  { recovery: 'usual', heartbeatSeconds: 10, rowMs: 25_000 },
] as const)('the $recovery recovery', ({ recovery, heartbeatSeconds, rowMs }) => {
  test(
    'lets another worker go on with the job of one that was killed, and of one that was told to stop',
    async () => {
      const { project: opened, jobs } = await open(recovery);
      const first = await opened.startWorker(`${recovery}-1`);
      const request = {
        environment: recovery,
        pipeline: 'patient',
        params: { name: 'long', seconds: 0 },
        trigger: 'test',
      };
      const { workflowId } = await startRun(opened.client, request);
      await until(() => Promise.resolve(jobs.begun().length > 0));
      await watchedBy(opened, workflowId, first.pid, 1);
      const second = await opened.startWorker(`${recovery}-2`);
      const killed = performance.now();
      await first.kill();
      await watchedBy(opened, workflowId, second.pid, 2);
      console.log(`${recovery}: taken over ${Math.round(performance.now() - killed)} ms after kill -9 (row: ${rowMs})`);

      const third = await opened.startWorker(`${recovery}-3`);
      const told = performance.now();
      process.kill(second.pid, 'SIGTERM');
      await watchedBy(opened, workflowId, third.pid, 3);
      console.log(`${recovery}: handed over ${Math.round(performance.now() - told)} ms after SIGTERM`);

      jobs.letGo();
      const ended = await runUntil(opened.client, workflowId, (r) => r.state === 'closed');
      expect(ended.outcome).toBe('completed');
      expect(jobs.begun()).toEqual(['long']);
      const { events } = await opened.client.temporal.workflow.getHandle(workflowId).fetchHistory();
      const limits = (events ?? []).flatMap((e) => e.activityTaskScheduledEventAttributes?.heartbeatTimeout ?? []);
      // The snapshot's, then the job's.
      expect(limits.map(({ seconds }) => Number(seconds))).toEqual([10, heartbeatSeconds]);
    },
    limitMs,
  );
});
