import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { StageCall } from '../../activities/calls.js';
import type { JobActivities } from '../../activities/index.js';
import type { Json } from '../../plan/json.js';
import type { TaskOutput } from '../../plan/outputs.js';
import { bareQueues } from './names.js';

/** What a bare workflow is told, so that its activities get the payloads that a run's get. */
export interface BareInput {
  pipeline: string;
  environment: string;
  plan: string;
}

/** The limits and retries of a run's tasks. */
const jobs = proxyActivities<Pick<JobActivities, 'runTask'>>({
  taskQueue: bareQueues.jobs,
  startToCloseTimeout: '12m',
  scheduleToCloseTimeout: '70m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' },
});

function call(input: BareInput, stage: string, inputs: Record<string, Json>, item?: { index: number }): StageCall {
  const { workflowId, runId } = workflowInfo();
  return { run: { workflowId, runId, ...input }, stage, attempt: 1, inputs, ...(item === undefined ? {} : { item }) };
}

async function task(input: BareInput, stage: string, inputs: Record<string, Json>, item?: { index: number }) {
  const activityId = item === undefined ? stage : `${stage}/${item.index}`;
  const run = jobs.runTask;
  const output: TaskOutput = await run.executeWithOptions(
    { taskQueue: bareQueues.jobs, activityId, summary: `task ${activityId}` },
    [call(input, stage, inputs, item)],
  );
  return 'value' in output ? (output.value as Record<string, Json>) : {};
}

/** `count` stages, one after the other. */
export async function bareChain(input: BareInput & { count: number }): Promise<Json> {
  const { count, ...about } = input;
  let last = await task(about, 'step-1', {});
  for (let i = 2; i <= count; i++) last = await task(about, `step-${i}`, { '/input/n': last['n'] ?? null });
  return last;
}

/** 1 → n → 1, at most `window` at once. */
export async function bareFanOut(input: BareInput & { window: number }): Promise<Json> {
  const { window, ...about } = input;
  const { all } = (await task(about, 'numbers', {})) as { all: number[] };
  const results: Json[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < all.length; i = next++)
      results[i] = await task(about, 'each', { '/input/n': all[i] ?? null }, { index: i });
  };
  await Promise.all(Array.from({ length: window }, worker));
  return await task(about, 'join', { '/input/each': results });
}
