import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import type { StageCall } from '../../activities/calls.js';
import type { LoadedPlan } from '../../activities/load-plan.js';
import type { GraphStage } from '../../plan/graph.js';
import { taskQueues } from '../../plan/names.js';
import { bundlePath } from '../../workers/bundle-path.js';
import { bareQueues } from './names.js';

/**
 * Prints the heap that one cached run holds, in KB. Workflows run in this very thread (the SDK's debug mode), so that its heap
 * is theirs. Every run has done four stages and waits for the fifth. Arguments: `bare` or `slipway`, the server's address.
 */
const [side = '', address = ''] = process.argv.slice(2);
const runs = 100;
const logger = new DefaultLogger('ERROR', () => undefined);
Runtime.install({ logger, telemetryOptions: { logging: { filter: 'ERROR' } } });

const steps = Array.from({ length: 5 }, (_, i): GraphStage => ({
  id: `step-${i + 1}`,
  verb: 'task',
  needs: i === 0 ? [] : [`step-${i}`],
  bindings: i === 0 ? [] : [{ at: '/input/n', ref: { from: 'stage', stage: `step-${i}`, path: ['value', 'n'] } }],
  limits: { timeoutMs: 600_000, attempts: 1 },
}));
const digest = '1'.repeat(64);
const graph = { digest, pipeline: 'chain5', registryOutageMs: 60_000, stages: steps };
let waiting = 0;
const started: string[] = [];
const activities = {
  loadPlan: async (): Promise<LoadedPlan> => ({ environment: 'demo', graph, params: {}, reused: {} }),
  runTask: async (call: StageCall) => {
    if (call.stage === 'step-5') {
      waiting++;
      await Context.current().cancelled;
    }
    return { kind: 'task', value: { n: 1 } };
  },
};

const connection = await Connection.connect({ address });
const client = new Client({ connection });
const native = await NativeConnection.connect({ address });
const bundle =
  side === 'bare'
    ? await bundleWorkflowCode({ workflowsPath: path.join(import.meta.dirname, 'bare-workflows.js'), logger })
    : { codePath: bundlePath };
const queues = side === 'bare' ? Object.values(bareQueues) : [taskQueues.pipelines, taskQueues.jobs];
const workers = await Promise.all(
  queues.map((taskQueue, i) =>
    Worker.create({
      connection: native,
      taskQueue,
      activities,
      maxConcurrentActivityTaskExecutions: 2 * runs,
      ...(i === 0 && { workflowBundle: bundle, debugMode: true, maxCachedWorkflows: 3 * runs }),
    }),
  ),
);
void Promise.all(workers.map((w) => w.run()));
await startRuns(10);
const before = await settledHeap();
await startRuns(runs);
console.log((((await settledHeap()) - before) / runs / 1_000).toFixed(3));
await Promise.all(started.map((id) => client.workflow.getHandle(id).terminate()));
process.exit(0);

async function settledHeap(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await pause(100);
  }
  return process.memoryUsage().heapUsed;
}

/** Starts runs, and waits until all that were started wait for their fifth stage. */
async function startRuns(count: number): Promise<void> {
  const [type, input] =
    side === 'bare'
      ? ['bareChain', { pipeline: 'chain5', environment: 'demo', plan: digest, count: 5 }]
      : ['chain5', { environment: 'demo' }];
  for (let i = 0; i < count; i++) {
    const workflowId = `probe:${randomUUID()}`;
    started.push(workflowId);
    await client.workflow.start(type as string, { workflowId, taskQueue: queues[0] ?? '', args: [input] });
  }
  while (waiting < started.length) await pause(50);
}
