import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { processEnvironment } from '../../config/process-environment.js';
import { poolQueue, searchAttributes, taskQueues } from '../../plan/names.js';
import { ensurePython, requirementsFile, testServerPath, type OnProgress } from '../../stack/index.js';
import { bundleWorkflows } from '../../workers/bundle-workflows.js';
import type { Turnstile } from './turnstile.js';

export type { WorkflowBundleWithSourceMap as WorkflowBundle } from '@temporalio/worker';

const silent = new DefaultLogger('ERROR', () => undefined);
const namespace = 'default';
/** Temporal's numbers of the attribute types. */
const attributeType = { Keyword: 2, Bool: 5 } as const;
let hasRuntime = false;

/** What is needed once per process and once per test file: the server's program, and the workflows in one bundle. */
export async function prepare(
  root: string,
  workflowsPath: string,
  onProgress: OnProgress,
): Promise<{ executable: string; bundle: WorkflowBundleWithSourceMap }> {
  if (!hasRuntime) Runtime.install({ logger: silent, telemetryOptions: { logging: { filter: 'ERROR' } } });
  hasRuntime = true;
  await ensurePython({ root, requirements: requirementsFile('tools'), env: processEnvironment(), onProgress });
  const bundle = await bundleWorkflows(workflowsPath, silent);
  return { executable: testServerPath(root), bundle };
}

/**
 * Starts a time-skipping server with our search attributes. It is cheap (0.2 s) and used for one run only: its clock
 * is one for all workflows, and one workflow that hangs stops it for all others.
 */
export async function startServer(executable: string): Promise<TestWorkflowEnvironment> {
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: executable } },
  });
  await environment.connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      Object.entries(searchAttributes).map(([name, type]) => [name, attributeType[type]]),
    ),
  });
  return environment;
}

export interface WorkerOptions {
  bundle: WorkflowBundleWithSourceMap;
  activities: object;
  turnstile: Turnstile;
  /** Pools of workers that stages name; each has a queue. */
  pools?: readonly string[];
}

/** Workers for all queues; each serves all activities, whose answers pass the turnstile. Answers how to end them. */
export async function startWorkers(
  environment: TestWorkflowEnvironment,
  o: WorkerOptions,
): Promise<() => Promise<void>> {
  const activities = Object.fromEntries(
    Object.entries(o.activities as Record<string, (input: unknown) => Promise<unknown>>).map(([name, activity]) => [
      name,
      (input: unknown) => o.turnstile.answer(() => activity(input)),
    ]),
  );
  const queues = [...Object.values(taskQueues), ...(o.pools ?? []).map(poolQueue)];
  const workers = await Promise.all(
    queues.map((taskQueue) =>
      Worker.create({
        connection: environment.nativeConnection,
        namespace,
        taskQueue,
        activities,
        // A cancellation reaches an activity with the answer to its heartbeat.
        maxHeartbeatThrottleInterval: '50ms',
        ...(taskQueue === taskQueues.pipelines ? { workflowBundle: o.bundle } : {}),
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  return async () => {
    o.turnstile.open();
    workers.forEach((worker) => worker.shutdown());
    await Promise.all(running);
  };
}
