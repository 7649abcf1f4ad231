import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeAll } from 'vitest';
import type { RolloutView, RunInput, RunResult, RunView } from '../../plan/messages.js';
import { rolloutWorkflowId, taskQueues } from '../../plan/names.js';
import { prepare, startServer, startWorkers } from '../../testing/time-skipping/server.js';
import { Turnstile } from '../../testing/time-skipping/turnstile.js';
import { recordHistories } from '../replay/record.js';
import { scriptedWorld, type Script, type World } from './scripted-world.js';

const root = path.resolve(import.meta.dirname, '../..');
const rolloutId = rolloutWorkflowId('dev', 'intents');

export interface Started {
  handle: WorkflowHandle;
  world: World;
  result: Promise<RunResult>;
  view(): Promise<RunView>;
  cancel(): Promise<void>;
  /** Sends the rollout a signal. */
  steer(signal: 'abort' | 'pause' | 'resume' | 'promote', payload: object): Promise<void>;
  /** Lets so much time pass, and no more: the server's clock stops after it. For a run whose result is not asked for yet. */
  letPass(ms: number): Promise<void>;
  /** A workflow that the run started. */
  child(workflowId: string): WorkflowHandle;
  /** What the rollout says of itself. */
  rollout(): Promise<RolloutView>;
}

/** Workflow code is bundled once per test file; every run has a server, workers and a world of its own. */
export function testServer() {
  let prepared: Awaited<ReturnType<typeof prepare>>;
  beforeAll(async () => {
    prepared = await prepare(root, path.join(root, 'workflows/index.ts'), () => undefined);
  });
  // Also after a test that ran out of time: its server and workers end with it.
  const endings: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  /** Runs a body against a started run, on a server that the test shares with no other. */
  async function withRun<T>(script: Script, body: (started: Started) => Promise<T>, input: RunInput = {}): Promise<T> {
    const environment = await startServer(prepared.executable);
    endings.push(() => environment.teardown());
    const turnstile = new Turnstile(environment.client.workflow);
    if (script.unordered === true) turnstile.open();
    const world = scriptedWorld(script, () => environment.currentTimeMs());
    const { activities } = world;
    const pools = script.pools ?? [];
    endings.push(await startWorkers(environment, { bundle: prepared.bundle, activities, turnstile, pools }));
    const run = await startRun(environment, world, turnstile, input);
    // A call that still waits for the run's end would go on after its connection is gone.
    endings.push(() => run.handle.terminate().catch(() => undefined));
    endings.push(() => recordHistories(environment, run.handle.workflowId));
    return await body(run);
  }
  return { withRun };
}

async function startRun(
  environment: TestWorkflowEnvironment,
  world: World,
  turnstile: Turnstile,
  input: RunInput,
): Promise<Started> {
  const { workflow } = environment.client;
  const handle = await workflow.start('intents', {
    workflowId: `dev:intents:${randomUUID()}`,
    taskQueue: taskQueues.pipelines,
    args: [{ environment: 'dev', ...input }],
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
    letPass: (ms) => environment.sleep(ms),
    child: (workflowId) => workflow.getHandle(workflowId),
    rollout: () => rollout.query<RolloutView>('run'),
    get result() {
      return (result ??= handle.result() as Promise<RunResult>);
    },
  };
}
