import { existsSync } from 'node:fs';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { jobActivities, pipelineActivities, releaseActivities } from '../activities/index.js';
import type { ActivityContext } from '../activities/context.js';
import { parseParams } from '../authoring/params.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { taskQueues } from '../plan/names.js';
import { bundlePath } from './bundle-path.js';
import type { Served } from './served-environments.js';

export interface CreateOptions {
  connection: NativeConnection;
  namespace: string;
  /** The project folder. */
  root: string;
  served: Served;
}

/** A stop lets short work end: the grace is above the longest poll. */
const shutdown = { shutdownGraceTime: '10s', shutdownForceTime: '20s' } as const;

/** One worker per queue: `pipelines` runs the workflows, `jobs` waits for jobs, `release` moves traffic. */
export async function createWorkers(o: CreateOptions): Promise<Worker[]> {
  const context = activityContext(o);
  const base: Omit<WorkerOptions, 'taskQueue'> = { connection: o.connection, namespace: o.namespace, ...shutdown };
  return await Promise.all([
    Worker.create({
      ...base,
      taskQueue: taskQueues.pipelines,
      workflowBundle: workflowBundle(),
      activities: pipelineActivities(context),
      maxCachedWorkflows: 100,
      // Waiting for another rollout takes a slot and no work.
      maxConcurrentActivityTaskExecutions: 200,
      stickyQueueScheduleToStartTimeout: '5s',
    }),
    Worker.create({
      ...base,
      taskQueue: taskQueues.jobs,
      activities: jobActivities(context),
      maxConcurrentActivityTaskExecutions: 20,
    }),
    Worker.create({
      ...base,
      taskQueue: taskQueues.release,
      activities: releaseActivities(context),
      // A rollout under way holds two slots with timers, and going home must never wait for one.
      maxConcurrentActivityTaskExecutions: 1_000,
    }),
  ]);
}

function activityContext({ root, served }: CreateOptions): ActivityContext {
  return { root, defaultEnvironment: served.defaultEnvironment, environment: (name) => served.open(name), parseParams };
}

function workflowBundle(): { codePath: string } {
  if (existsSync(bundlePath)) return { codePath: bundlePath };
  throw new SlipwayError(
    { code: 'E_BUNDLE', where: bundlePath, message: 'the workflow bundle was not built', fix: 'npm run build' },
    exitCodes.configuration,
  );
}
