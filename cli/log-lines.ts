import type { RunDetails } from '../client/index.js';
import type { LogLine } from '../operations/run-logs/index.js';
import type { RunJob } from '../plan/run-jobs.js';
import type { Output } from './output.js';

/** `train 1 |`, `score/3 2 |` for an element, `evaluate champion 1 |` where a stage has two jobs. */
export function jobLabel({ stage, item, attempt, purpose }: RunJob): string {
  const element = item === null ? '' : `/${item}`;
  return `${stage}${element}${purpose === 'champion' ? ' champion' : ''} ${attempt} |`;
}

/** One line of a log, with its job before it where several are printed. */
export function printLogLine(out: Output, { job, text }: LogLine, labelled: boolean): void {
  out.line(labelled ? `${out.colors.dim(jobLabel(job))} ${text}` : text);
}

/** A job in the document of `--json`; `log` is the folder of its log in the store. */
export interface LoggedJob extends RunJob {
  log: string;
}

/** The document of `--json`, written line by line: logs may be larger than memory. */
export async function printLogDocument(
  out: Output,
  { workflowId, runId, state, outcome }: RunDetails,
  jobs: readonly LoggedJob[],
  read: (job: RunJob) => AsyncIterable<LogLine>,
): Promise<void> {
  out.jsonPart(`${JSON.stringify({ workflowId, runId, state, outcome }).slice(0, -1)},"jobs":[`);
  let before = '\n';
  for (const job of jobs) {
    out.jsonPart(`${before}${JSON.stringify(job).slice(0, -1)},"lines":[`);
    before = '\n';
    for await (const { text } of read(job)) {
      out.jsonPart(`${before}${JSON.stringify(text)}`);
      before = ',\n';
    }
    out.jsonPart(']}');
    before = ',\n';
  }
  out.jsonPart(']}\n');
}
