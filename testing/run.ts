import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { PipelineDefinition } from '../authoring/define-pipeline.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { RunEvent, RunInput, RunRecord, RunView } from '../plan/messages.js';
import { queries, runWorkflowId, taskQueues } from '../plan/names.js';
import type { Plan } from '../plan/plan.js';
import { farEnds, type FarEnds } from './far-ends.js';
import { outcomeOf, type PipelineOutcome } from './outcome.js';
import { People } from './people.js';
import { scriptedActivities } from './scripted-activities.js';
import type { PipelineScript } from './script.js';
import { startWorkers, type WorkflowBundle } from './time-skipping/server.js';
import { Turnstile } from './time-skipping/turnstile.js';
import { watchedRouter } from './traffic.js';

export interface RunOptions {
  environment: TestWorkflowEnvironment;
  script: PipelineScript;
  root: string;
  definitions: readonly PipelineDefinition[];
  plans: readonly Plan[];
  bundle: WorkflowBundle;
  /** Gets what must be ended after the run. */
  endings: (() => Promise<unknown>)[];
}

/** Starts a run with everything around it. */
export async function startRun(o: RunOptions): Promise<{ outcome(patienceMs: number): Promise<PipelineOutcome> }> {
  const { environment, script, plans } = o;
  const pipeline = plans[0]?.pipeline ?? '';
  const { workflow } = environment.client;
  const now = () => environment.currentTimeMs();
  const notifications: RunEvent[] = [];
  const turnstile = new Turnstile(workflow);
  const people = new People(script, script.environment?.name ?? 'dev', workflow, turnstile);
  const traffic = watchedRouter({
    now,
    served: Object.keys(script.champions ?? {}),
    onWeight: (service, weight) => people.sawWeight(service, weight),
  });
  const onEvent = async (event: RunEvent) => {
    notifications.push(event);
    await people.told(event);
  };
  const far = await farEnds({ ...o, router: traffic.router, onEvent });
  const activities = {
    ...scriptedActivities(far.context, { script, plans, weightOf: traffic.weightOf, now }),
    ...people.activities,
  };
  o.endings.push(await startWorkers(environment, { bundle: o.bundle, activities, turnstile, pools: far.pools }));
  const handle = await workflow.start(pipeline, {
    workflowId: runWorkflowId(far.environment, pipeline, randomUUID()),
    taskQueue: taskQueues.pipelines,
    args: [{ params: script.params ?? {}, environment: far.environment } satisfies RunInput],
  });
  await people.started(handle.workflowId);
  // However it ends; asking for the result is what lets the server skip time.
  const end = handle.result().then(
    () => 'ended' as const,
    () => 'ended' as const,
  );
  // A call that still waits would go on after its connection is gone.
  o.endings.push(async () => {
    await handle.terminate().catch(() => undefined);
    await end;
  });
  return {
    async outcome(patienceMs) {
      if ((await inTime(end, patienceMs)) === undefined) throw await hanging(handle, patienceMs);
      const record = await recordOf(far, pipeline, handle);
      // Not the clock: once nothing runs any more it skips to the next time limit, years ahead.
      const endedAt = (await handle.describe()).closeTime ?? new Date(await now());
      return outcomeOf(record, { traffic: traffic.changes, notifications, endedAt });
    },
  };
}

/** What a promise gives, or undefined when that takes too long. */
async function inTime<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), limitMs)));
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function hanging(handle: WorkflowHandle, patienceMs: number): Promise<SlipwayError> {
  const view = await handle.query<RunView>(queries.run).catch(() => undefined);
  const open = view?.stages.filter((s) => s.endedAt === null && s.startedAt !== null) ?? [];
  const rollout = view?.rollout == null ? [] : [`rollout of ${view.rollout.service}: ${view.rollout.phase}`];
  const where = [...open.map((s) => `${s.id}: ${s.note ?? s.status}`), ...rollout].join('; ');
  return new SlipwayError(
    {
      code: 'E_TEST_HANGS',
      where: handle.workflowId,
      message: `the run has not ended after ${patienceMs / 1_000} s on your own clock; it stands at ${where || 'no stage'}`,
      fix: 'script what it waits for, such as the signal `abort` of a rollout that is paused; or raise `patience`',
    },
    exitCodes.temporary,
  );
}

/** What the run's last activity wrote. A run that could not even begin has written nothing. */
async function recordOf(far: FarEnds, pipeline: string, handle: WorkflowHandle): Promise<RunRecord> {
  const [written] = await far.store.list(`runs/${far.environment}/${pipeline}/`);
  const stored = written && (await far.store.read(written.key));
  if (stored !== undefined) return JSON.parse(stored.body.toString()) as RunRecord;
  const error = await handle.result().then(
    () => undefined,
    (reason: Error) => reason,
  );
  throw new SlipwayError({
    code: 'E_TEST_SCRIPT',
    message: `the run could not begin: ${rootMessage(error)}`,
    fix: "correct the script's `params`, or what the message names",
  });
}

function rootMessage(error: Error | undefined): string {
  return error?.cause instanceof Error ? rootMessage(error.cause) : (error?.message ?? 'it wrote no record');
}
