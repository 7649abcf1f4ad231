import { existsSync } from 'node:fs';
import { Worker, type NativeConnection, type WorkerDeploymentOptions, type WorkerOptions } from '@temporalio/worker';
import { jobActivities, pipelineActivities, releaseActivities } from '../activities/index.js';
import type { ActivityContext } from '../activities/context.js';
import { dataFile } from '../authoring/data-file.js';
import { parseParams } from '../authoring/params.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { taskQueues, workerDeployment } from '../plan/names.js';
import { bundlePath } from './bundle-path.js';
import { workerIdentity } from './identity.js';
import type { Deaths } from './deaths.js';
import { quarantine } from './quarantine.js';
import type { Served } from './served-environments.js';
import type { Slots } from './shares.js';
import { unknownActivity } from './unknown-activity.js';

export interface CreateOptions {
  connection: NativeConnection;
  /** The project folder. */
  root: string;
  served: Served;
  /** `pipelines`, `jobs`, `release`, or `jobs-<pool>`. */
  queues: readonly string[];
  /** Jobs at once, by queue. Default 20 each. */
  slots?: Slots;
  /** This build of the package. */
  build: string;
  /** What died with which work; absent: nothing is quarantined. */
  deaths?: Deaths | undefined;
}

/** How long a run waits for the worker that has it in memory, where dead workers are to be replaced soon. */
const fastStickyMs = 2_000;

/** In ms. A stop lets short work end: the grace is above the longest poll. */
export const shutdown = { shutdownGraceTime: 10_000, shutdownForceTime: 20_000 } as const;

/** One worker per queue: `pipelines` runs the workflows, `jobs` waits for jobs, `release` moves traffic. */
export async function createWorkers(o: CreateOptions): Promise<Worker[]> {
  const { versioned } = o.served;
  const { namespace } = o.served.temporal;
  const base: WorkerBase = {
    connection: o.connection,
    namespace,
    ...(versioned && { workerDeploymentOptions: pinnedTo(o.build) }),
    ...shutdown,
  };
  const context = activityContext(o);
  // One for all queues: what runs alone is alone in the process.
  const guard = o.deaths && quarantine(o.deaths);
  return await Promise.all(
    o.queues.map((taskQueue) => {
      const { workflows, ...tuning } = queueTuning(taskQueue, o.slots?.[taskQueue]);
      const sticky = o.served.fast ? { stickyQueueScheduleToStartTimeout: fastStickyMs } : {};
      const options = { ...tuning, ...(workflows && { workflowBundle: workflowBundle(), ...sticky }) };
      const activities = activitiesFor(taskQueue, context);
      const known = Object.keys(activities);
      return Worker.create({
        ...base,
        ...options,
        taskQueue,
        identity: workerIdentity(o.build, isOfJobs(taskQueue) ? tuning.maxConcurrentActivityTaskExecutions : undefined),
        activities: { ...activities, default: unknownActivity(known) },
        // What moves traffic knows no author code and no data, and must never wait.
        ...(guard !== undefined && taskQueue !== taskQueues.release && { interceptors: { activity: [guard] } }),
      });
    }),
  );
}

type WorkerBase = Omit<WorkerOptions, 'taskQueue'>;

/** A run stays on the build that it began on, unless a person moves it. */
function pinnedTo(buildId: string): WorkerDeploymentOptions {
  return {
    version: { deploymentName: workerDeployment, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}

/** Jobs at once in a worker whose share nobody stated. */
const usualSlots = 20;

/**
 * What the worker of a queue is tuned to; `workflows`: it runs those too. A task for which there is no slot stays with the
 * server, whose priority and fairness say who is next.
 */
export function queueTuning(taskQueue: string, slots = usualSlots): QueueTuning {
  switch (taskQueue) {
    case taskQueues.pipelines:
      return {
        workflows: true,
        maxCachedWorkflows: 100,
        // Waiting for another rollout takes a slot and no work.
        maxConcurrentActivityTaskExecutions: 200,
        stickyQueueScheduleToStartTimeout: '5s',
      };
    case taskQueues.release:
      // A rollout under way holds two slots with timers, and going home must never wait for one.
      return { workflows: false, maxConcurrentActivityTaskExecutions: 1_000 };
    default:
      // `jobs`, and the queue of a pool, whose workers do the same elsewhere.
      return { workflows: false, maxConcurrentActivityTaskExecutions: slots };
  }
}
type QueueTuning = Pick<
  WorkerOptions,
  'maxCachedWorkflows' | 'maxConcurrentActivityTaskExecutions' | 'stickyQueueScheduleToStartTimeout'
> & { workflows: boolean };

function isOfJobs(taskQueue: string): boolean {
  return taskQueue !== taskQueues.pipelines && taskQueue !== taskQueues.release;
}

function activitiesFor(taskQueue: string, context: ActivityContext): object {
  if (taskQueue === taskQueues.pipelines) return pipelineActivities(context);
  return taskQueue === taskQueues.release ? releaseActivities(context) : jobActivities(context);
}

/** What the activities of a worker get. */
export function activityContext({
  root,
  served,
  build,
}: Pick<CreateOptions, 'root' | 'served' | 'build'>): ActivityContext {
  const { defaultEnvironment } = served;
  const environment = (name: string) => served.open(name);
  return { build, defaultEnvironment, environment, dataFile: (from) => dataFile(root, from), parseParams };
}

function workflowBundle(): { codePath: string } {
  if (existsSync(bundlePath)) return { codePath: bundlePath };
  throw new SlipwayError(
    { code: 'E_BUNDLE', where: bundlePath, message: 'the workflow bundle was not built', fix: 'npm run build' },
    exitCodes.configuration,
  );
}
