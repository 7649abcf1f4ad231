import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide, startRun } from '../../client/index.js';
import { taskQueues } from '../../plan/names.js';
import { shutdown } from '../../workers/workers.js';
import { bestOf } from '../best-of.js';
import { numberOf } from '../campaigns/numbers.js';
import { startSlipway } from '../cli/command-line.js';
import { runUntil } from './project.js';
import type { NamespaceProject, WorkerProcess } from './versioned-project.js';
import { openNamespaceProject, until } from './versioned-project.js';
import { deployWaiting } from './waiting-plan.js';

/** How many runs wait while all workers are down. */
const backlog = numberOf('backlog', 'runs');
/** How long half of them wait for a person: long enough that all have begun to. */
const withinMs = 10_000 + 500 * backlog;
/** How long no worker is there. */
const downMs = Math.max(withinMs, numberOf('backlog', 'seconds') * 1_000);
const limitMs = 420_000 + downMs;

let project: NamespaceProject;
let worker: WorkerProcess;

beforeAll(async () => {
  project = await openNamespaceProject('processes', { versioned: false, only: ['temporal', 's3'] });
  await deployWaiting(project, 'patient', 3_600_000);
  await deployWaiting(project, 'hasty', withinMs);
  worker = await project.startWorker('a');
}, limitMs);
afterAll(() => project?.close());

async function start(pipeline: string): Promise<string> {
  const request = { environment: 'processes', pipeline, params: {}, trigger: 'test' };
  const { workflowId } = await startRun(project.client, request);
  await runUntil(project.client, workflowId, (r) => r.state === 'waiting-approval');
  return workflowId;
}

async function approved(workflowId: string): Promise<string | null> {
  await decide(project.client, workflowId, { decision: 'approve', by: 'ada@example.com' });
  return (await runUntil(project.client, workflowId, (r) => r.state === 'closed')).outcome;
}

/** The failure that ended a workflow, down to its first cause. */
async function failureOf(workflowId: string): Promise<{ message: string; attempts: number }> {
  const handle = project.client.temporal.workflow.getHandle(workflowId);
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError)) throw new Error(`${workflowId} did not fail`);
  let cause: Error | undefined = error.cause;
  while (cause?.cause instanceof Error) cause = cause.cause;
  const { events } = await handle.fetchHistory();
  const attempts = (events ?? []).map((e) => e.activityTaskStartedEventAttributes?.attempt ?? 0);
  return { message: cause?.message ?? '', attempts: Math.max(...attempts) };
}

describe('a worker that may open too few files', () => {
  test(
    'does not start and says so (78); runs go on with the one that there is',
    async () => {
      const run = await start('patient');
      const { code, stderr } = await project.refusedWorker(['prlimit', '--nofile=64']);
      expect(stderr).toMatch(/^E_LIMITS open files: this process may open 64 files and sockets/);
      expect(code).toBe(78);
      expect(await approved(run)).toBe('completed');
    },
    limitMs,
  );

  test(
    'because the limit fell while it ran hinders no run: what it cannot do, another does',
    async () => {
      const other = await project.startWorker('b');
      execFileSync('prlimit', ['--pid', String(worker.pid), '--nofile=64:64']);
      for (let n = 0; n < 5; n++) expect(await approved(await start('patient'))).toBe('completed');
      await worker.kill();
      worker = other;
    },
    limitMs,
  );
});

describe('slipway worker', () => {
  test(
    'runs a worker in the foreground until Ctrl-C, for the queues that it is told, and ends within the grace and 2 s',
    async () => {
      const ready = join(project.root, 'ready.json');
      const stopLimitMs = shutdown.shutdownGraceTime + 2_000;
      const endedMs = await bestOf(3, stopLimitMs, async () => {
        const running = startSlipway(project.root, ['worker', '--queues', 'jobs,release', '--ready', ready], {
          SLIPWAY_BUILD_ID: 'foreground',
        });
        await until(() => Promise.resolve(existsSync(ready)));
        const said = JSON.parse(readFileSync(ready, 'utf8')) as object;
        expect(said).toMatchObject({ build: 'foreground', queues: ['jobs', 'release'], environments: ['processes'] });
        const told = performance.now();
        running.interrupt();
        expect((await running.ended).code).toBe(0);
        expect(existsSync(ready)).toBe(false);
        return performance.now() - told;
      });
      expect(endedMs).toBeLessThanOrEqual(stopLimitMs);
    },
    limitMs,
  );

  test('hands on why the worker does not start', async () => {
    const { code, stderr } = await project.slipway('a', 'worker', '--queues', 'job');
    expect(stderr).toMatch(/^E_USAGE --queues: unknown task queue `job`.*did you mean `jobs`\?/);
    expect(code).toBe(2);
  });
});

describe('what nobody knows', () => {
  test(
    'as a workflow type ends the run at once with the deployed pipelines',
    async () => {
      const options = { workflowId: 'stray', taskQueue: taskQueues.pipelines, args: [{ environment: 'processes' }] };
      await project.client.temporal.workflow.start('pateint', options);
      const { message } = await failureOf('stray');
      expect(message).toMatch(/E_NOT_DEPLOYED pateint: .*deployed are: hasty, patient/);
    },
    limitMs,
  );

  test(
    'as an activity type fails the activity at once with the known ones',
    async () => {
      const connection = await NativeConnection.connect({ address: project.client.address });
      const workflowsPath = resolve(import.meta.dirname, 'wrong-activity.ts');
      const foreign = await Worker.create({ connection, namespace: 'processes', taskQueue: 'foreign', workflowsPath });
      await foreign.runUntil(async () => {
        const options = { workflowId: 'wrong', taskQueue: 'foreign' };
        await project.client.temporal.workflow.start('wrongActivity', options);
        const { message, attempts } = await failureOf('wrong');
        expect(message).toMatch(/^E_ACTIVITY_UNKNOWN trainModell: .*known are .*did you mean `trainModel`\?/);
        expect(attempts).toBe(1);
      });
      await connection.close();
    },
    limitMs,
  );

  test(
    'as a key of the input is refused with the form that is known',
    async () => {
      const args = [{ environment: 'processes', parameters: {}, version: 0 }];
      await project.client.temporal.workflow.start('patient', {
        workflowId: 'older',
        taskQueue: taskQueues.pipelines,
        args,
      });
      const { message } = await failureOf('older');
      expect(message).toMatch(/E_INPUT unknown key "parameters"; the input is one object such as \{"params":/);
    },
    limitMs,
  );
});

describe('runs whose workers were all down', () => {
  test(
    `go on by themselves; elapsed deadlines count once (${backlog} runs)`,
    async () => {
      const half = Array.from({ length: Math.ceil(backlog / 2) });
      const patient = await Promise.all(half.map(() => start('patient')));
      const hasty = await Promise.all(half.map(() => start('hasty')));
      await worker.kill();
      // Time itself is the condition: every deadline of the hasty passes while nobody is there.
      await sleep(downMs);
      worker = await project.startWorker('c');
      const began = Date.now();
      for (const run of patient) expect(await approved(run)).toBe('completed');
      for (const run of hasty) {
        const ended = await runUntil(project.client, run, (r) => r.state === 'closed');
        expect(ended).toMatchObject({ outcome: 'rejected', reason: 'nobody decided at sign-off in time' });
        const { events } = await project.client.temporal.workflow.getHandle(run).fetchHistory();
        expect((events ?? []).filter((e) => e.timerFiredEventAttributes != null)).toHaveLength(1);
        // The plan was loaded once and the record written once.
        expect((events ?? []).filter((e) => e.markerRecordedEventAttributes != null)).toHaveLength(2);
      }
      expect(Date.now() - began).toBeLessThan(300_000);
    },
    limitMs,
  );
});

describe('a task queue that another product polls', () => {
  test(
    'is not polled: the worker does not start and names the other (78)',
    async () => {
      const theirs = await openNamespaceProject('shared', { versioned: false, only: ['temporal', 's3'] });
      const connection = await NativeConnection.connect({ address: theirs.client.address });
      const stranger = await Worker.create({
        connection,
        namespace: 'shared',
        taskQueue: taskQueues.jobs,
        identity: 'billing-7',
        activities: { bill: () => Promise.resolve() },
      });
      await stranger.runUntil(async () => {
        const { workflowService } = theirs.client.temporal;
        const queue = { namespace: 'shared', taskQueue: { name: taskQueues.jobs }, taskQueueType: 2 };
        // The server lists it a moment after its first poll.
        await until(async () => ((await workflowService.describeTaskQueue(queue)).pollers ?? []).length > 0);
        const refused = await theirs.refusedWorker(['env']);
        expect(refused.stderr).toMatch(/^E_QUEUE_SHARED shared\/jobs: .*billing-7/);
        expect(refused.code).toBe(78);
      });
      await connection.close();
      await theirs.close();
    },
    limitMs,
  );
});
