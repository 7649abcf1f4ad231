import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect } from 'vitest';

/** Stack traces in failures name files of this folder; fixtures name them relative to it. */
const root = path.resolve(import.meta.dirname, '../..');
export const historiesFolder = path.join(import.meta.dirname, 'histories');

/**
 * Writes the histories of a test's workflows as fixtures, when `SLIPWAY_RECORD_HISTORIES=1` asks for it: one file
 * per workflow, named after the test. Record again only what no release has run.
 */
export async function recordHistories(
  environment: TestWorkflowEnvironment,
  runId: string,
  rolloutId: string,
): Promise<void> {
  if (process.env['SLIPWAY_RECORD_HISTORIES'] !== '1') return;
  await mkdir(historiesFolder, { recursive: true });
  const name = (expect.getState().currentTestName ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 90);
  await write(environment, runId, `${name}.run.json`);
  const rollout = await environment.client.workflow
    .getHandle(rolloutId)
    .describe()
    .catch(() => undefined);
  // Rollouts of all tests share one id: only the one that this run started is its own.
  if (rollout?.parentExecution?.workflowId === runId) await write(environment, rolloutId, `${name}.rollout.json`);
}

async function write(environment: TestWorkflowEnvironment, workflowId: string, file: string): Promise<void> {
  const history = await environment.client.workflow.getHandle(workflowId).fetchHistory();
  await writeFile(
    path.join(historiesFolder, file),
    `${JSON.stringify(JSON.parse(historyToJSON(history))).replaceAll(`${root}/`, '')}\n`,
  );
}
