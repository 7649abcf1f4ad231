import { ApplicationFailure } from '@temporalio/common';
import type { JobFailure, JobSpec } from '../adapters/trainer/port.js';
import { SlipwayError, type Fault } from '../plan/errors.js';
import type { JobTold } from '../plan/job-told.js';

/** What the workflow is told of a failed job beside its code. */
export interface FailedJobFacts extends JobTold {
  adapter: string;
  /** May another attempt of the stage help? */
  transient: boolean;
  /** It was ended by nothing of its own. */
  interrupted?: true;
}

/** A job that has failed by its own fault. */
export class FailedJob extends SlipwayError {
  constructor(
    fault: Fault,
    readonly facts: FailedJobFacts,
  ) {
    super(fault);
  }
}

/**
 * The failure of a job as its trainer tells it. The trainer says whether another attempt may help; an exit code that
 * says nothing is tried again as often as the stage allows.
 */
export function failedJob(
  adapter: string,
  { identity: { run, stage, attempt }, outputs }: JobSpec,
  job: string,
  { code, message, transient }: JobFailure,
  told: JobTold,
): Error {
  if (code === 'E_TRAINER_CANCELLED')
    return ApplicationFailure.nonRetryable(message, 'TrainerCancelled', { code, ...told });
  const fix = `read its whole output with \`slipway logs ${run} --stage ${stage} --attempt ${attempt}\`; it is kept below ${outputs}log/`;
  const facts: FailedJobFacts = {
    adapter,
    transient: transient || code === 'E_TRAINER_EXIT',
    ...(transient && { interrupted: true }),
    ...told,
  };
  return new FailedJob({ code, where: `job ${job} on ${adapter}`, message, fix }, facts);
}

const withoutJobs = new WeakSet<object>();

/** Marks a failure after which nothing of a job runs: it never began, or has ended. */
export function withoutJob(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) withoutJobs.add(error);
  return error;
}

/** Does something before a job begins, or after it has ended: what it throws, or its promise is rejected with, is marked so. */
export function whileNoJobRuns<T>(work: () => T): T {
  const marked = (error: unknown): never => {
    throw withoutJob(error);
  };
  try {
    const done = work();
    return done instanceof Promise ? (done.catch(marked) as T) : done;
  } catch (error) {
    return marked(error);
  }
}

/** Facts of a failure for the workflow, beside its code. */
export function factsOf(error: SlipwayError): Partial<FailedJobFacts> & { stopped?: true } {
  if (error instanceof FailedJob) return error.facts;
  return withoutJobs.has(error) ? { stopped: true } : {};
}
