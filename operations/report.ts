import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RunRecord } from '../plan/messages.js';
import { reportPage } from './report/page.js';

export interface ReportOptions {
  /** Folder of the reports; default `.slipway/reports` below the working directory. */
  folder?: string;
  /** Where Temporal's UI shows the run. */
  ui?: string;
}

/** Writes the report of one run as a self-contained page and returns its path. */
export async function writeRecordReport(record: RunRecord, o: ReportOptions = {}): Promise<string> {
  const folder = resolve(o.folder ?? '.slipway/reports');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${fileName(record)}.html`);
  await writeFile(file, reportPage(record, o.ui));
  return file;
}

/** Workflow ids are free text: whatever is not safe in a file name becomes a dash. */
function fileName(record: RunRecord): string {
  return `${record.workflowId}-${record.runId.slice(0, 8)}`.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '').slice(0, 150);
}
