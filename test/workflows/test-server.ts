import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll } from 'vitest';
import type { RunResult, RunView } from '../../plan/messages.js';
import { searchAttributes, taskQueues } from '../../plan/names.js';
import { ensurePython, requirementsFile, testServerPath } from '../../stack/index.js';
import { recordHistories } from '../replay/record.js';
import { chain, scriptedWorld, type Script, type World } from './scripted-world.js';

const root = path.resolve(import.meta.dirname, '../..');
const silent = new DefaultLogger('ERROR', () => undefined);
/** Temporal's numbers of the attribute types. */
const attributeType = { Keyword: 2, Bool: 5 } as const;

export interface Started {
  handle: WorkflowHandle;
  world: World;
  result: Promise<RunResult>;
  view(): Promise<RunView>;
}

/** One time-skipping server and one set of workers per test file; each run acts on a world of its own. */
export function testServer() {
  let environment: TestWorkflowEnvironment;
  let stop: () => Promise<void>;
  let world: World = scriptedWorld({ graph: chain() }, () => environment.currentTimeMs());

  beforeAll(async () => {
    Runtime.install({ logger: silent, telemetryOptions: { logging: { filter: 'ERROR' } } });
    await ensurePython({
      root,
      requirements: requirementsFile('tools'),
      env: process.env,
      onProgress: () => undefined,
    });
    environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: testServerPath(root) } },
    });
    const namespace = environment.namespace ?? 'default';
    await environment.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        Object.entries(searchAttributes).map(([name, type]) => [name, attributeType[type]]),
      ),
    });
    stop = await runWorkers(environment, namespace, () => world);
  });
  afterAll(async () => {
    await stop();
    await environment.teardown();
  });

  /** Runs a body against a started run; what is still open afterwards is ended. */
  async function withRun<T>(script: Script, body: (started: Started) => Promise<T>): Promise<T> {
    world = scriptedWorld(script, () => environment.currentTimeMs());
    const { workflow } = environment.client;
    const handle = await workflow.start('intents', {
      workflowId: `dev:intents:${randomUUID()}`,
      taskQueue: taskQueues.pipelines,
      args: [{ environment: 'dev' }],
    });
    try {
      // The result is asked for only when a test awaits it: asking is what lets the server skip time.
      let result: Promise<RunResult> | undefined;
      return await body({
        handle,
        world,
        view: () => handle.query<RunView>('run'),
        get result() {
          return (result ??= handle.result() as Promise<RunResult>);
        },
      });
    } finally {
      await recordHistories(environment, handle.workflowId, 'rollout:dev:intents');
      for (const open of [handle, workflow.getHandle('rollout:dev:intents')])
        await open.terminate().catch(() => undefined);
    }
  }
  return { withRun, environment: () => environment };
}

async function runWorkers(
  environment: TestWorkflowEnvironment,
  namespace: string,
  world: () => World,
): Promise<() => Promise<void>> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: path.join(root, 'workflows/index.ts'),
    logger: silent,
  });
  const names = Object.keys(world().activities) as (keyof World['activities'])[];
  const activities = Object.fromEntries(names.map((name) => [name, (input: never) => world().activities[name](input)]));
  const workers = await Promise.all(
    Object.values(taskQueues).map((taskQueue) =>
      Worker.create({ connection: environment.nativeConnection, namespace, taskQueue, workflowBundle, activities }),
    ),
  );
  const running = workers.map((w) => w.run());
  return async () => {
    workers.forEach((w) => w.shutdown());
    await Promise.all(running);
  };
}
