import { randomUUID } from 'node:crypto';
import path from 'node:path';
import {
  DefaultLogger,
  Runtime,
  Worker,
  bundleWorkflowCode,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowHandle } from '@temporalio/client';
import { afterEach, beforeAll } from 'vitest';
import type { RolloutView, RunResult, RunView } from '../../plan/messages.js';
import { rolloutWorkflowId, searchAttributes, taskQueues } from '../../plan/names.js';
import { ensurePython, requirementsFile, testServerPath } from '../../stack/index.js';
import { recordHistories } from '../replay/record.js';
import { scriptedWorld, type Script, type World } from './scripted-world.js';
import { Turnstile } from './turnstile.js';

const root = path.resolve(import.meta.dirname, '../..');
const silent = new DefaultLogger('ERROR', () => undefined);
const namespace = 'default';
const rolloutId = rolloutWorkflowId('dev', 'intents');
/** Temporal's numbers of the attribute types. */
const attributeType = { Keyword: 2, Bool: 5 } as const;

export interface Started {
  handle: WorkflowHandle;
  world: World;
  result: Promise<RunResult>;
  view(): Promise<RunView>;
  cancel(): Promise<void>;
  /** Sends the rollout a signal. */
  steer(signal: 'abort' | 'pause' | 'resume' | 'promote', payload: object): Promise<void>;
  /** What the rollout says of itself. */
  rollout(): Promise<RolloutView>;
}

/** Workflow code is bundled once per test file; every run has a server, workers and a world of its own. */
export function testServer() {
  let bundle: WorkflowBundleWithSourceMap;

  beforeAll(async () => {
    Runtime.install({ logger: silent, telemetryOptions: { logging: { filter: 'ERROR' } } });
    await ensurePython({
      root,
      requirements: requirementsFile('tools'),
      env: process.env,
      onProgress: () => undefined,
    });
    bundle = await bundleWorkflowCode({ workflowsPath: path.join(root, 'workflows/index.ts'), logger: silent });
  });

  // Also after a test that ran out of time: its server and workers end with it.
  const endings: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  /** Runs a body against a started run, on a server that the test shares with no other. */
  async function withRun<T>(script: Script, body: (started: Started) => Promise<T>): Promise<T> {
    const environment = await startServer();
    endings.push(() => environment.teardown());
    const turnstile = new Turnstile(environment.client.workflow);
    const world = scriptedWorld(script, () => environment.currentTimeMs());
    const stopWorkers = await runWorkers(environment, bundle, world, turnstile);
    endings.push(stopWorkers);
    const run = await startRun(environment, world, turnstile);
    endings.push(() => recordHistories(environment, run.handle.workflowId, rolloutId));
    return await body(run);
  }
  return { withRun };
}

async function startServer(): Promise<TestWorkflowEnvironment> {
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: testServerPath(root) } },
  });
  await environment.connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      Object.entries(searchAttributes).map(([name, type]) => [name, attributeType[type]]),
    ),
  });
  return environment;
}

async function startRun(environment: TestWorkflowEnvironment, world: World, turnstile: Turnstile): Promise<Started> {
  const { workflow } = environment.client;
  const handle = await workflow.start('intents', {
    workflowId: `dev:intents:${randomUUID()}`,
    taskQueue: taskQueues.pipelines,
    args: [{ environment: 'dev' }],
  });
  const rollout = workflow.getHandle(rolloutId);
  // The result is asked for only when a test awaits it: asking is what lets the server skip time.
  let result: Promise<RunResult> | undefined;
  return {
    handle,
    world,
    view: () => handle.query<RunView>('run'),
    cancel: async () => void (await turnstile.steer(handle.workflowId, () => handle.cancel())),
    steer: (signal, payload) => turnstile.steer(rolloutId, () => rollout.signal(signal, payload)),
    rollout: () => rollout.query<RolloutView>('run'),
    get result() {
      return (result ??= handle.result() as Promise<RunResult>);
    },
  };
}

async function runWorkers(
  environment: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  world: World,
  turnstile: Turnstile,
): Promise<() => Promise<void>> {
  const names = Object.keys(world.activities) as (keyof World['activities'])[];
  const activities = Object.fromEntries(
    names.map((name) => [name, (input: never) => turnstile.answer<unknown>(() => world.activities[name](input))]),
  );
  const connection = environment.nativeConnection;
  const workers = await Promise.all(
    Object.values(taskQueues).map((taskQueue) =>
      Worker.create({
        connection,
        namespace,
        taskQueue,
        activities,
        // A cancellation reaches an activity with the answer to its heartbeat.
        maxHeartbeatThrottleInterval: '50ms',
        ...(taskQueue === taskQueues.pipelines ? { workflowBundle } : {}),
      }),
    ),
  );
  const running = workers.map((w) => w.run());
  return async () => {
    turnstile.open();
    workers.forEach((w) => w.shutdown());
    await Promise.all(running);
  };
}
