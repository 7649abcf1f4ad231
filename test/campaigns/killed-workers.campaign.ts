import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { numberOf } from './numbers.js';
import { deployPatient, type PatientJobs } from './patient-job.js';
import { runUntil } from '../e2e/project.js';
import { openNamespaceProject, until, type NamespaceProject, type WorkerProcess } from '../e2e/versioned-project.js';

/** How long a worker is killed every 20 s; by default it is not. */
const minutes = numberOf('killed-workers', 'minutes');
const everyMs = 20_000;
const spreadRuns = 20;
/** Longer than the time between two kills: every run suffers one. */
const jobSeconds = 30;
const kills = 2;
/** Work goes to either worker; that so many runs miss one of them is no chance. */
const mostRuns = 20;
const limitMs = 600_000 + minutes * 60_000 * 2;

let project: NamespaceProject;
let jobs: PatientJobs;
/** The one that is killed; another works beside it. */
let worker: WorkerProcess;

beforeAll(async () => {
  project = await openNamespaceProject('killed', {
    versioned: false,
    only: ['temporal', 's3', 'mlflow'],
  });
  jobs = await deployPatient(project);
  worker = await project.startWorker('a');
  await project.startWorker('b');
}, limitMs);
afterAll(() => project?.close());

async function start(name: string, seconds: number): Promise<string> {
  const params = { name, seconds };
  const request = { environment: 'killed', pipeline: 'patient', params, trigger: 'test' };
  return (await startRun(project.client, request)).workflowId;
}

async function killAndReplace(): Promise<void> {
  await worker.kill();
  worker = await project.startWorker('a');
}

/** The worker that watches the training of a run, once one does. */
async function watcherOf(workflowId: string): Promise<number> {
  let pid = 0;
  await until(async () => {
    const { raw } = await project.client.temporal.workflow.getHandle(workflowId).describe();
    const watched = raw.pendingActivities?.find((a) => a.activityType?.name === 'trainModel' && a.state === 2);
    pid = Number(/ (\d+)@/.exec(String(watched?.lastWorkerIdentity))?.[1] ?? 0);
    return pid > 0 && watched?.lastHeartbeatTime != null;
  });
  return pid;
}

async function completes(workflowId: string): Promise<void> {
  const ended = await runUntil(project.client, workflowId, (r) => r.state === 'closed');
  expect(ended, ended.reason ?? '').toMatchObject({ outcome: 'completed' });
  const { events = [] } = await project.client.temporal.workflow.getHandle(workflowId).fetchHistory();
  expect(events?.filter((e) => e.workflowTaskFailedEventAttributes != null)).toEqual([]);
}

/** Start and end in ms since the epoch. */
async function timesOf(workflowId: string): Promise<{ began: number; ended: number }> {
  const { startTime, closeTime } = await project.client.temporal.workflow.getHandle(workflowId).describe();
  return { began: startTime.getTime(), ended: closeTime?.getTime() ?? Number.NaN };
}

describe('two workers, one of which is killed again and again', () => {
  test.skipIf(minutes > 0)(
    'finish every run, with one start of each job',
    async () => {
      const runs: string[] = [];
      for (let killed = 0; killed < kills; killed++) {
        for (let watcher = 0; watcher !== worker.pid; watcher = await watcherOf(runs.at(-1) ?? '')) {
          expect(runs.length).toBeLessThan(mostRuns);
          runs.push(await start(`job-${runs.length}`, 0));
        }
        await killAndReplace();
      }
      while (runs.length < 5) runs.push(await start(`job-${runs.length}`, 0));
      jobs.letGo();
      for (const run of runs) await completes(run);
      expect(jobs.begun().sort()).toEqual(runs.map((_, n) => `job-${n}`).sort());
    },
    limitMs,
  );

  test.skipIf(minutes === 0)(
    `finish ${spreadRuns} runs in ${minutes} minutes, 95 % of them within 1.5 × the usual time and 25 s for each kill`,
    async () => {
      jobs.letGo();
      const usual: number[] = [];
      for (let n = 0; n < 3; n++) {
        const run = await start(`usual-${n}`, jobSeconds);
        await completes(run);
        const { began, ended } = await timesOf(run);
        usual.push(ended - began);
      }
      const [, usualMs = 0] = usual.toSorted((a, b) => a - b);
      const killedAt: number[] = [];
      const runs: string[] = [];
      const began = Date.now();
      while (Date.now() - began < minutes * 60_000) {
        while (runs.length < spreadRuns && runs.length * minutes * 60_000 <= (Date.now() - began) * spreadRuns)
          runs.push(await start(`spread-${runs.length}`, jobSeconds));
        if (Date.now() - began >= (killedAt.length + 1) * everyMs) {
          killedAt.push(Date.now());
          await killAndReplace();
        }
        await sleep(200);
      }
      for (const run of runs) await completes(run);
      const found = await Promise.all(
        runs.map(async (run) => {
          const times = await timesOf(run);
          const suffered = killedAt.filter((at) => at >= times.began && at <= times.ended).length;
          return { ms: times.ended - times.began, suffered };
        }),
      );
      const inTime = found.filter(({ ms, suffered }) => ms <= 1.5 * usualMs + 25_000 * suffered).length;
      const slowest = Math.max(...found.map(({ ms }) => ms));
      console.log(
        `usual ${usualMs} ms; ${killedAt.length} kills; ${inTime} of ${runs.length} runs in time, the slowest ${slowest} ms: ${JSON.stringify(found)}`,
      );
      expect(inTime).toBeGreaterThanOrEqual(0.95 * spreadRuns);
      expect(runs).toHaveLength(spreadRuns);
      const ours = jobs.begun().filter((name) => name.startsWith('spread-'));
      expect(new Set(ours).size).toBe(ours.length);
    },
    limitMs,
  );
});
