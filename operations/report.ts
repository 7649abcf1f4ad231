import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RunDetails } from '../client/index.js';
import { connect, viewRun } from '../client/index.js';
import type { Environment } from '../config/open.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { RunRecord } from '../plan/messages.js';
import { keys, temporalUiLink } from '../plan/names.js';
import { readJson } from './records.js';
import { reportPage } from './report/page.js';

/**
 * Writes the report of an ended run, given by workflow id or record, as one self-contained page. Answers the file's path.
 * `folder` is relative to the working directory. Throws `E_RUN_RECORD` when the run has left no record (yet).
 */
export async function writeReport(
  environment: Environment,
  run: string | RunRecord,
  folder = '.slipway/reports',
): Promise<string> {
  const record = typeof run === 'string' ? await recordOf(environment, run) : run;
  const { namespace, ui } = environment.temporal;
  const link = ui === undefined ? undefined : temporalUiLink(ui, namespace, record.workflowId, record.runId);
  await mkdir(resolve(folder), { recursive: true });
  const file = join(resolve(folder), `${fileName(record)}.html`);
  await writeFile(file, reportPage(record, link));
  return file;
}

async function recordOf(environment: Environment, workflowId: string): Promise<RunRecord> {
  const client = await connect(environment.temporal);
  try {
    return await readRunRecord(environment, await viewRun(client, workflowId));
  } finally {
    await client.close();
  }
}

/** What an ended run left in the store. Throws `E_RUN_RECORD` when there is none. */
export async function readRunRecord(environment: Environment, run: RunDetails): Promise<RunRecord> {
  const { store } = environment.ports;
  // A failed or cancelled run returns nothing, but it leaves its record where every run does.
  const own = keys.runRecord(environment.name, run.pipeline, run.runId);
  const found = await readJson<RunRecord>(store, run.record === null ? own : store.key(run.record));
  if (found !== undefined) return found.value;
  const open = run.state !== 'closed';
  throw new SlipwayError(
    {
      code: 'E_RUN_RECORD',
      where: run.workflowId,
      message: open
        ? 'the run has not ended, so there is no record of it yet'
        : `the run ended ${run.outcome ?? ''} without leaving a record: ${run.reason ?? 'no reason known'}`,
      fix: open ? `Wait for its end with \`slipway watch ${run.workflowId}\`.` : 'See its history in the Temporal UI.',
    },
    open ? exitCodes.temporary : exitCodes.data,
  );
}

/** Workflow ids are free text: whatever is not safe in a file name becomes a dash. */
function fileName(record: RunRecord): string {
  return `${record.workflowId}-${record.runId.slice(0, 8)}`
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 150);
}
