import { afterEach, describe, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { shutdown } from '../../workers/workers.js';
import { bestOf } from '../best-of.js';
import { deployPatient, type PatientJobs } from './patient-job.js';
import { runUntil } from '../e2e/project.js';
import { msOf } from '../e2e/server-time.js';
import { openNamespaceProject, until, type NamespaceProject, type WorkerProcess } from '../e2e/versioned-project.js';

const limitMs = 600_000;
/** I-08: a worker that is told to stop has ended by then. */
const stopLimitMs = shutdown.shutdownGraceTime + 2_000;
let project: NamespaceProject | undefined;
afterEach(() => project?.close());

async function open(recovery: 'usual' | 'fast'): Promise<{ project: NamespaceProject; jobs: PatientJobs }> {
  const only = ['temporal', 's3', 'mlflow'] as const;
  project = await openNamespaceProject(`takeover-${recovery}`, {
    versioned: false,
    only: [...only],
    recovery,
  });
  return { project, jobs: await deployPatient(project) };
}

interface Watch {
  attempt: number;
  /** When this try began, by the server's clock. */
  startedMs: number;
}

/** Waits until the training is watched in a try of this number or a later one, by the worker of this process. */
async function watchedBy({ client }: NamespaceProject, workflowId: string, pid: number, tries: number): Promise<Watch> {
  let watch: Watch | undefined;
  await until(async () => {
    const { raw } = await client.temporal.workflow.getHandle(workflowId).describe();
    const [activity] = raw.pendingActivities ?? [];
    const { attempt, lastWorkerIdentity = '', state, lastHeartbeatTime, lastStartedTime } = activity ?? {};
    // The job is in the heartbeat once it is known.
    const beats = lastHeartbeatTime != null && lastStartedTime != null && state === 2;
    if (!beats || (attempt ?? 0) < tries || !String(lastWorkerIdentity).includes(` ${pid}@`)) return false;
    watch = { attempt: attempt ?? 0, startedMs: msOf(lastStartedTime) };
    return true;
  });
  return watch!;
}

/** The worker that watches the job now, and in which try. */
interface Watching {
  worker: WorkerProcess;
  attempt: number;
}

/** Another worker starts; then this ends the one that watches. Answers who watches once the other does, and since when. */
async function handOver(
  opened: NamespaceProject,
  workflowId: string,
  from: Watching,
  end: (worker: WorkerProcess) => Promise<void>,
): Promise<Watching & { startedMs: number }> {
  const next = await opened.startWorker(`next-${from.attempt}`);
  await end(from.worker);
  const taken = await watchedBy(opened, workflowId, next.pid, from.attempt + 1);
  return { worker: next, ...taken };
}

describe.each([
  { recovery: 'fast', heartbeatMs: 4_000, stickyMs: 2_000, rowMs: 8_000 },
  { recovery: 'usual', heartbeatMs: 10_000, stickyMs: 5_000, rowMs: 25_000 },
] as const)('the $recovery recovery', ({ recovery, heartbeatMs, stickyMs, rowMs }) => {
  test(
    `lets another worker go on with the job of one that was killed within ${rowMs / 1_000} s, and of one that was told to stop, which ends by itself`,
    async () => {
      const { project: opened, jobs } = await open(recovery);
      const first = await opened.startWorker(`${recovery}-1`);
      const request = {
        environment: opened.environment.name,
        pipeline: 'patient',
        params: { name: 'long', seconds: 0 },
        trigger: 'test',
      };
      const { workflowId } = await startRun(opened.client, request);
      await until(() => Promise.resolve(jobs.begun().length > 0));
      const { attempt } = await watchedBy(opened, workflowId, first.pid, 1);
      let watching: Watching = { worker: first, attempt };
      const takenMs = await bestOf(3, rowMs, async () => {
        let killed = 0;
        const taken = await handOver(opened, workflowId, watching, (worker) => {
          killed = Date.now();
          return worker.kill();
        });
        watching = taken;
        return taken.startedMs - killed;
      });
      console.log(`${recovery}: taken over ${Math.round(takenMs)} ms after kill -9 (row: ${rowMs})`);
      expect(takenMs).toBeLessThanOrEqual(rowMs);

      const endedMs = await bestOf(3, stopLimitMs, async () => {
        let ms = 0;
        watching = await handOver(opened, workflowId, watching, async ({ pid, ended }) => {
          const told = performance.now();
          process.kill(pid, 'SIGTERM');
          expect(await ended).toBe(0);
          ms = performance.now() - told;
        });
        return ms;
      });
      console.log(`${recovery}: ended ${Math.round(endedMs)} ms after SIGTERM (row: ${stopLimitMs})`);
      expect(endedMs).toBeLessThanOrEqual(stopLimitMs);

      jobs.letGo();
      const ended = await runUntil(opened.client, workflowId, (r) => r.state === 'closed');
      expect(ended.outcome).toBe('completed');
      expect(jobs.begun()).toEqual(['long']);
      const { events } = await opened.client.temporal.workflow.getHandle(workflowId).fetchHistory();
      expect((events ?? []).flatMap((e) => e.workflowTaskFailedEventAttributes ?? [])).toEqual([]);
      const scheduled = (events ?? []).flatMap((e) => e.activityTaskScheduledEventAttributes ?? []);
      const silences = scheduled.map(({ heartbeatTimeout }) => msOf(heartbeatTimeout));
      // The snapshot's, then the job's.
      expect(silences).toEqual([10_000, heartbeatMs]);
      const wait = msOf(scheduled.at(-1)?.retryPolicy?.initialInterval);
      // What the server and a run that the dead worker had in memory wait for leaves room for the machine.
      expect(heartbeatMs + wait + stickyMs).toBeLessThanOrEqual(rowMs * 0.85);
    },
    limitMs,
  );
});
