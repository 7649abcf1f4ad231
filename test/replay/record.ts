import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect } from 'vitest';

/** Stack traces in failures name files of this folder; fixtures name them relative to it. */
const root = path.resolve(import.meta.dirname, '../..');
export const historiesFolder = path.join(import.meta.dirname, 'histories');
/** Longer and larger ones say nothing that a shorter one of the same kind does not. */
const mostEvents = 1_300;
const mostBytes = 500_000;
/** Children of one run that are kept. */
const mostChildren = 2;

/**
 * Writes the histories of a test's workflows as fixtures, when `SLIPWAY_RECORD_HISTORIES=1` asks for it: the run, the
 * runs that it continued, and its children; one file each, named after the test, with the workflow's id: ids of children are made
 * of it. Record again only what no release
 * has run.
 */
export async function recordHistories(environment: TestWorkflowEnvironment, workflowId: string): Promise<void> {
  if (process.env['SLIPWAY_RECORD_HISTORIES'] !== '1') return;
  await mkdir(historiesFolder, { recursive: true });
  const name = (expect.getState().currentTestName ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 90);
  await write(environment, { workflowId, name: `${name}.run` });
}

async function write(
  environment: TestWorkflowEnvironment,
  { workflowId, name, runId }: { workflowId: string; name: string; runId?: string },
): Promise<void> {
  const handle = environment.client.workflow.getHandle(workflowId, runId);
  const history = await handle.fetchHistory();
  const events = history.events ?? [];
  const text = `${JSON.stringify({ workflowId, ...JSON.parse(historyToJSON(history)) }).replaceAll(`${root}/`, '')}\n`;
  if (events.length <= mostEvents && text.length <= mostBytes)
    await writeFile(path.join(historiesFolder, `${name}.json`), text);
  const before = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  if (before != null && before !== '') await write(environment, { workflowId, name: `${name}.before`, runId: before });
  const children = events.flatMap((e) => e.childWorkflowExecutionStartedEventAttributes ?? []).slice(0, mostChildren);
  for (const [i, { workflowExecution, workflowType }] of children.entries())
    await write(environment, {
      workflowId: workflowExecution?.workflowId ?? '',
      name: `${name}.${workflowType?.name}${i === 0 ? '' : i + 1}`,
    });
}
