import { MockActivityEnvironment } from '@temporalio/testing';

import type { ActivityContext, ActivityEnvironment } from '../../activities/context.js';
import type { RunRef, StageCall } from '../../activities/calls.js';
import { sha256 } from '../../activities/digest.js';
import { dataFile } from '../../authoring/data-file.js';
import { parseParams } from '../../authoring/params.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import type { ArtifactRef } from '../../plan/artifact.js';
import { SlipwayError } from '../../plan/errors.js';
import { canonicalJson, type Json } from '../../plan/json.js';
import { keys } from '../../plan/names.js';
import type { Plan, Stage } from '../../plan/plan.js';
import { defaultPolicy, type Policy } from '../../plan/policy.js';
import { fakeMetrics } from '../../testing/fakes/metrics.js';
import { fakeNotifier } from '../../testing/fakes/notifier.js';
import { fakeRegistry } from '../../testing/fakes/registry.js';
import { fakeRouter } from '../../testing/fakes/router.js';
import { fakeServing } from '../../testing/fakes/serving.js';
import { fakeStore } from '../../testing/fakes/store.js';
import { fakeTasks } from '../../testing/fakes/task-runner.js';
import { fakeTracking } from '../../testing/fakes/tracking.js';
import { type Ending, fakeTrainer } from '../../testing/fakes/trainer.js';

export type World = ReturnType<typeof createWorld>;

/** Everything that activities reach, in memory. One environment, `dev`; a test changes what it is about. */
export function createWorld(root = '/nowhere') {
  const store = fakeStore();
  const jobs: { play: (job: JobSpec, key: string) => Ending } = { play: () => 'runs' };
  const ports = {
    store,
    registry: fakeRegistry(),
    tracking: fakeTracking(),
    serving: fakeServing(store),
    router: fakeRouter(() => Date.now()),
    metrics: fakeMetrics(() => Date.now()),
    tasks: fakeTasks(),
    trainer: fakeTrainer((job, key) => ({ ending: jobs.play(job, key) })),
  };
  const notifiers = [fakeNotifier(), fakeNotifier()] as const;
  const environment: ActivityEnvironment = {
    name: 'dev',
    protected: false,
    sharedRegistry: false,
    approvers: {},
    pools: { gpu: {} },
    policy: structuredClone(defaultPolicy) as Policy,
    ports: { ...ports, notifiers: [...notifiers], trainer: () => ports.trainer },
  };
  const context: ActivityContext = {
    defaultEnvironment: 'dev',
    build: '0.0.0-test',
    dataFile: (from) => dataFile(root, from),
    parseParams,
    environment: async (name) => {
      if (name === 'dev') return environment;
      throw new SlipwayError({ code: 'E_ENV', message: `no environment ${name}` });
    },
  };
  return { ...ports, notifiers, jobs, environment, context, activity: new MockActivityEnvironment() };
}

/** Runs an activity as a worker would: with heartbeats, sleeps and cancellation. */
export function run<I, O>(
  world: World,
  activity: (context: ActivityContext, input: I) => Promise<O>,
  input: I,
): Promise<O> {
  return world.activity.run(async () => await activity(world.context, input));
}

/** A plan of these stages, without code folders. */
export function planOf(stages: Stage[], facts: Partial<Plan> = {}): Plan {
  const code = { pipeline: { sha256: 'c'.repeat(64), bytes: 1 }, folders: {} };
  const params = { type: 'object', properties: {}, additionalProperties: false };
  return { format: 2, pipeline: 'intents', params, stages, code, ...facts };
}

/** Puts a plan into the store; answers its digest. */
export async function publish(world: World, plan: Plan): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson(plan));
  const digest = sha256(bytes);
  await world.store.put(keys.plan(digest), bytes);
  return digest;
}

/** A run of a plan, published here and now. */
export async function runOf(world: World, plan: Plan, workflowId = 'dev:intents:1'): Promise<RunRef> {
  const digest = await publish(world, plan);
  return { workflowId, runId: `${workflowId}-first`, pipeline: plan.pipeline, environment: 'dev', plan: digest };
}

/** A call of a stage; inputs by JSON pointer. */
export async function callOf(
  world: World,
  stage: Stage,
  inputs: object = {},
  plan?: Partial<Plan>,
): Promise<StageCall> {
  const given = inputs as Record<string, Json>;
  return { run: await runOf(world, planOf([stage], plan)), stage: stage.id, attempt: 1, inputs: given };
}

/** Stores text as an artifact. */
export function artifact(world: World, key: string, text: string): Promise<ArtifactRef> {
  return world.store.put(key, new TextEncoder().encode(text));
}

/** The codes of a refusal, one per fault. */
export async function codesOf(refused: Promise<unknown>): Promise<string[]> {
  return (await faultsOf(refused)).map((fault) => fault.code);
}

export async function faultsOf(refused: Promise<unknown>): Promise<SlipwayError['faults']> {
  const error = await refused.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof SlipwayError) return error.faults;
  throw error;
}
