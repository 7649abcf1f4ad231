import { setTimeout as delay } from 'node:timers/promises';
import type { RunDetails, SlipwayClient } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { SlipwayError } from '../../plan/errors.js';
import { unavailableCode } from '../../plan/failures.js';
import type { StageStatus } from '../../plan/messages.js';
import type { RunJob } from '../../plan/run-jobs.js';
import { watch } from '../watch.js';
import { LogReader } from './log-reader.js';
import { jobsOf, type KnownStage, stagesOf, type Wanted } from './selection.js';

export { jobsOf, stagesOf, whyNoLogs } from './selection.js';
export type { KnownStage, Wanted } from './selection.js';

/** One line of a job's log, safe to print. */
export interface LogLine {
  job: RunJob;
  text: string;
}

/** What is stored of a job's log by now. */
export async function* readLog(environment: Environment, job: RunJob): AsyncGenerator<LogLine> {
  const reader = new LogReader(environment.ports.store, job.key);
  for await (const text of reader.read()) yield { job, text };
  for (const text of reader.rest()) yield { job, text };
}

export interface FollowLogsOptions {
  environment: Environment;
  client: SlipwayClient;
  run: RunDetails;
  wanted: Wanted;
  /** Called when Temporal or the store does not answer: the run goes on, we go on asking. */
  onLost(error: SlipwayError): void;
  signal?: AbortSignal;
  /** Milliseconds between looks; default 1,000. */
  pollMs?: number;
}

/**
 * The logs of a run's jobs as they grow, until the run ends; answers its last state. Lines of jobs that run at the same
 * time take turns. Throws `E_PLAN_STAGE` (65), on abort, and what `watch` throws.
 */
export async function* followLogs(o: FollowLogsOptions): AsyncGenerator<LogLine, RunDetails> {
  const { client, signal, pollMs = 1_000, onLost } = o;
  const stages = await stagesOf(o.environment, o.run, o.wanted);
  const readers = new Map<string, LogReader | 'done'>();
  let latest = o.run;
  let over = false;
  const onLook = (run: RunDetails): void => void (latest = run);
  const end = watch({ client, workflowId: o.run.workflowId, onLook, onLost, pollMs, ...(signal && { signal }) });
  const ended = end.then(
    () => void (over = true),
    () => void (over = true),
  );
  for (;;) {
    const last = over;
    signal?.throwIfAborted();
    try {
      yield* newLines(o, latest.view?.stages ?? stages, readers, last);
    } catch (error) {
      if (last || !(error instanceof SlipwayError && error.code === unavailableCode)) throw error;
      onLost(error);
    }
    if (last) return await end;
    await Promise.race([ended, delay(pollMs)]);
  }
}

/** What every job wrote since the last look; when its job is over, also what it wrote without ending the line. */
async function* newLines(
  { environment, run, wanted }: FollowLogsOptions,
  stages: readonly KnownStage[],
  readers: Map<string, LogReader | 'done'>,
  last: boolean,
): AsyncGenerator<LogLine> {
  const jobs = await jobsOf(environment, run.workflowId, stages, wanted);
  for (const job of jobs) {
    const reader = readers.get(job.key) ?? new LogReader(environment.ports.store, job.key);
    if (reader === 'done') continue;
    readers.set(job.key, reader);
    for await (const text of reader.read()) yield { job, text };
    if (!last && !reader.whole && !isOver(job, jobs, stages)) continue;
    for (const text of reader.rest()) yield { job, text };
    readers.set(job.key, 'done');
  }
}

const endings: readonly (StageStatus | undefined)[] = [
  'done',
  'cached',
  'failed',
  'skipped',
  'cancelled',
  'compensated',
];

/** Its stage had ended before this look, or a later attempt took its place: nothing more will be stored. */
function isOver(job: RunJob, jobs: readonly RunJob[], stages: readonly KnownStage[]): boolean {
  const later = (other: RunJob): boolean =>
    other.stage === job.stage &&
    other.item === job.item &&
    other.purpose === job.purpose &&
    other.attempt > job.attempt;
  return endings.includes(stages.find(({ id }) => id === job.stage)?.status) || jobs.some(later);
}
