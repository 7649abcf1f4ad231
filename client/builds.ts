import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { taskQueues, workerDeployment } from '../plan/names.js';
import type { SlipwayClient } from './connect.js';

/** Builds of the package that take part in worker versioning, as the namespace knows them. */
export interface Builds {
  /** What new runs take; null when none was set. */
  current: string | null;
  /** Build → which of our queues its workers polled within the last 75 s. */
  polled: Map<string, string[]>;
}

/** Temporal lists a poller for minutes after it went; one that lives asks at least once a minute. */
const freshMs = 75_000;
const notFound = 5;
/** Temporal's numbers for the kinds of task; only `pipelines` has workflow tasks. */
const kinds = { workflow: 1, activity: 2 } as const;

/** Which build is the current one, and which are served. */
export async function viewBuilds(client: SlipwayClient): Promise<Builds> {
  const current = await currentBuild(client);
  const polled = new Map<string, string[]>();
  for (const queue of Object.values(taskQueues)) {
    for (const build of await buildsOn(client, queue)) polled.set(build, [...(polled.get(build) ?? []), queue]);
  }
  return { current, polled };
}

/** Whether workers of the build poll all three queues, so that a run pinned to it can end. */
export function isServed(builds: Builds, build: string): boolean {
  return missingQueues(builds, build).length === 0;
}

/** Those of the three queues that no worker of the build polls. */
export function missingQueues(builds: Builds, build: string): string[] {
  const polled = builds.polled.get(build) ?? [];
  return Object.values(taskQueues).filter((queue) => !polled.includes(queue));
}

async function currentBuild(client: SlipwayClient): Promise<string | null> {
  const { namespace } = client;
  return client.call(async () => {
    try {
      const found = await client.temporal.workflowService.describeWorkerDeployment({
        namespace,
        deploymentName: workerDeployment,
      });
      return found.workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? null;
    } catch (error) {
      const cause = error instanceof ServiceError ? error.cause : error;
      if (isGrpcServiceError(cause) && Number(cause.code) === notFound) return null;
      throw error;
    }
  });
}

/** Builds whose workers poll a queue for all that it carries. */
async function buildsOn(client: SlipwayClient, queue: string): Promise<string[]> {
  const activities = await pollersOf(client, queue, kinds.activity);
  if (queue !== taskQueues.pipelines) return [...activities];
  const workflows = await pollersOf(client, queue, kinds.workflow);
  return [...activities].filter((build) => workflows.has(build));
}

async function pollersOf(client: SlipwayClient, name: string, taskQueueType: number): Promise<Set<string>> {
  const { namespace } = client;
  const { pollers } = await client.call(() =>
    client.temporal.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType }),
  );
  const now = Date.now();
  const fresh = (pollers ?? []).filter((p) => now - Number(p.lastAccessTime?.seconds ?? 0) * 1_000 < freshMs);
  const builds = fresh.flatMap(({ deploymentOptions: o }) => (o?.deploymentName === workerDeployment ? o.buildId : []));
  return new Set(builds.filter((build): build is string => typeof build === 'string' && build !== ''));
}

/** New runs take this build from now on. Twice is fine. Answers what they took before, null for none. */
export async function makeCurrent(client: SlipwayClient, buildId: string): Promise<string | null> {
  const { namespace } = client;
  const done = await client.call(() =>
    client.temporal.workflowService.setWorkerDeploymentCurrentVersion({
      namespace,
      deploymentName: workerDeployment,
      buildId,
      identity: 'slipway deploy',
    }),
  );
  return done.previousDeploymentVersion?.buildId ?? null;
}
