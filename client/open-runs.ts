import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { taskQueues, workerDeployment } from '../plan/names.js';
import type { SlipwayClient } from './connect.js';

/** An open workflow of ours: a run, its rollout, or another part of it. */
export interface OpenRun {
  workflowId: string;
  runId: string;
  /** The pipeline's name, or that of a system workflow such as `rollout`. */
  type: string;
  /** The build that it is pinned to; null without worker versioning. */
  build: string | null;
  /** The workflow that it belongs to: a rollout's is its run, a run's is itself. */
  root: string;
}

const versionAttribute = 'TemporalWorkerDeploymentVersion';
const listLimitMs = 60_000;

/** Every open workflow of the namespace that our workers run, of all environments. */
export async function listOpenRuns(client: SlipwayClient): Promise<OpenRun[]> {
  const query = `ExecutionStatus = "Running" AND TaskQueue = "${taskQueues.pipelines}"`;
  return client.call(async () => {
    const runs: OpenRun[] = [];
    for await (const found of client.temporal.workflow.list({ query, pageSize: 200 })) {
      const attributes = found.typedSearchAttributes.getAll();
      const version = attributes.find(({ key }) => key.name === versionAttribute)?.value;
      const { workflowId, runId, type } = found;
      const root = found.raw.rootExecution?.workflowId ?? workflowId;
      runs.push({ workflowId, runId, type, build: buildOf(version), root });
    }
    return runs;
  }, listLimitMs);
}

/** `slipway:<build>` → the build. */
function buildOf(version: unknown): string | null {
  const prefix = `${workerDeployment}:`;
  return typeof version === 'string' && version.startsWith(prefix) ? version.slice(prefix.length) : null;
}

/** The history of a workflow so far, as the JSON that Temporal's own tools write. */
export async function downloadHistory(client: SlipwayClient, run: OpenRun): Promise<string> {
  const handle = client.temporal.workflow.getHandle(run.workflowId, run.runId);
  return historyToJSON(await client.call(() => handle.fetchHistory(), listLimitMs));
}

/** Pins an open workflow to another build. That build must replay its history: ask `checkUpgrade` first. */
export async function pinRun(client: SlipwayClient, run: OpenRun, buildId: string): Promise<void> {
  const version = { deploymentName: workerDeployment, buildId };
  await client.call(() =>
    client.temporal.workflowService.updateWorkflowExecutionOptions({
      namespace: client.namespace,
      workflowExecution: { workflowId: run.workflowId, runId: run.runId },
      workflowExecutionOptions: { versioningOverride: { pinned: { behavior: pinnedOverride, version } } },
      updateMask: { paths: ['versioning_override'] },
    }),
  );
}

/** `PINNED_OVERRIDE_BEHAVIOR_PINNED`. */
const pinnedOverride = 1;
