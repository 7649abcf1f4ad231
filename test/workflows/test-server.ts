import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { bundleWorkflowCode, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll } from 'vitest';
import type { RunResult, RunView } from '../../plan/messages.js';
import { ensurePython, requirementsFile, testServerPath } from '../../stack/index.js';
import { scriptedWorld, type Script, type World } from './scripted-world.js';

const root = path.resolve(import.meta.dirname, '../..');

export interface Started {
  handle: WorkflowHandle;
  world: World;
  result: Promise<RunResult>;
  view(): Promise<RunView>;
}

/** One time-skipping server per test file; every run gets workers and queues of its own through its world. */
export function testServer() {
  let environment: TestWorkflowEnvironment;
  let workflowBundle: WorkflowBundle;
  beforeAll(async () => {
    Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } as never });
    await ensurePython({ root, requirements: requirementsFile('tools'), env: process.env, onProgress: () => undefined });
    environment = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path: await testServerPath(root) } } } as never);
    workflowBundle = await bundleWorkflowCode({ workflowsPath: path.join(root, 'workflows/index.ts') });
  });
  afterAll(async () => {
    await environment.teardown();
  });

  /** Runs a body against a started run; the workers end with it. */
  async function withRun<T>(script: Script, body: (started: Started) => Promise<T>, input: { environment?: string } = { environment: 'dev' }): Promise<T> {
    const world = scriptedWorld(script);
    const workers = await Promise.all(
      ['pipelines', 'jobs', 'release'].map((taskQueue) =>
        Worker.create({ connection: environment.nativeConnection, namespace: environment.namespace ?? 'default', taskQueue, workflowBundle, activities: world.activities, maxCachedWorkflows: 100 }),
      ),
    );
    const running = workers.map((w) => w.run());
    try {
      const handle = await environment.client.workflow.start('intents', { workflowId: `dev:intents:${randomUUID()}`, taskQueue: 'pipelines', args: [input] });
      return await body({ handle, world, result: handle.result() as Promise<RunResult>, view: () => handle.query<RunView>('run') });
    } finally {
      workers.forEach((w) => w.shutdown());
      await Promise.all(running);
    }
  }
  return { withRun, environment: () => environment };
}
