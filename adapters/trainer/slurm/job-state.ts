import { failureOf, ranMsOf, type StateFile } from '../../job-launcher/state-file.js';
import type { JobFailure, JobState } from '../port.js';
import { isEnding, isLiving, type QueuedJob } from './queue.js';

/** Everything that is known about a job at one moment. */
export interface JobFacts {
  /** What the launcher told last. */
  state: StateFile | undefined;
  /** What Slurm knows, in the order of submission. */
  jobs: readonly QueuedJob[];
  /** Slurm's number of the submission that runs or ran. */
  owner: string | undefined;
  /** It was stopped by us. */
  stopped: boolean;
  /** End of the launcher's own output. */
  launcherLog: string;
}

/** Ends that are Slurm's doing and not the job's: with other nodes, or later, the same work may succeed. */
const interruptions: Record<string, string> = {
  NODE_FAIL: 'its node failed',
  BOOT_FAIL: 'its node did not start',
  PREEMPTED: 'it was preempted by another job',
  REVOKED: 'another cluster took it',
};

/**
 * How a job fares. Success is the launcher's to tell; a failure that came from outside (a signal, memory that ran out) is
 * told as Slurm explains it. `lost`: neither knows how it ended.
 */
export function judge(facts: JobFacts): JobState {
  const { state, jobs } = facts;
  if (state?.phase === 'succeeded') return { phase: 'succeeded', manifest: state.manifest, ...ranMsOf(state) };
  const job = submissionOf(facts);
  const failed = state?.phase === 'failed' ? state : undefined;
  const own = failed && failureOf(failed);
  const fromOutside = failed?.failure.code === 'E_TRAINER_CANCELLED' || (failed?.exitCode ?? 0) < 0;
  const alive = jobs.some(isLiving) || (jobs.some(isEnding) && (own === undefined || fromOutside));
  if (alive) return running(job, own === undefined ? state : undefined);
  const told = explained(job, facts.stopped);
  if (told !== undefined && (own === undefined || fromOutside || isMemory(job))) return failure(told);
  if (own === undefined) {
    if (facts.stopped) return failure(cancelled);
    return { phase: 'lost', reason: lostReason(job, facts) };
  }
  if (own.code !== 'E_TRAINER_CANCELLED' || facts.stopped)
    return { phase: 'failed', failure: own, ...ranMsOf(failed ?? {}) };
  return failure({
    code: 'E_TRAINER_LOST',
    message: `${own.message}; Slurm no longer knows who did it`,
    transient: true,
  });
}

const cancelled: JobFailure = {
  code: 'E_TRAINER_CANCELLED',
  message: 'the job was stopped; Slurm ended all its processes',
  transient: false,
};

/** Of several submissions of one key the one that runs; the others end at once, without a word. */
function submissionOf({ jobs, owner }: JobFacts): QueuedJob | undefined {
  return jobs.find(({ id }) => id === owner) ?? jobs.find(isLiving) ?? jobs[0];
}

function running(job: QueuedJob | undefined, state: StateFile | undefined): JobState {
  const reason = job === undefined || ['None', ''].includes(job.reason) ? '' : ` (${job.reason})`;
  const phase = state === undefined ? '' : `, ${state.phase}`;
  const progress = state !== undefined && 'progress' in state ? (state.progress ?? null) : null;
  return { phase: 'running', note: `Slurm job ${job?.id ?? '?'} ${job?.state ?? ''}${reason}${phase}`, progress };
}

/** What Slurm says about an end, where that says more than the launcher can. */
function explained(job: QueuedJob | undefined, stopped: boolean): JobFailure | undefined {
  if (job === undefined) return undefined;
  const name = `Slurm job ${job.id}`;
  const interrupted = interruptions[job.state];
  if (interrupted !== undefined)
    return { code: 'E_TRAINER_LOST', message: `${name} ended as ${job.state}: ${interrupted}`, transient: true };
  if (job.state === 'TIMEOUT' || job.state === 'DEADLINE') {
    const message = `maxDuration: ${name} ended as ${job.state}, at the limit that it was given; raise the stage's timeout or the trainer's margin`;
    return { code: 'E_TRAINER_LIMIT', message, transient: false };
  }
  if (isMemory(job)) {
    const message = `memory: ${name} used more than it was given and was ended; raise resources.memory of the stage`;
    return { code: 'E_TRAINER_LIMIT', message, transient: false };
  }
  if (job.state !== 'CANCELLED') return undefined;
  if (stopped) return cancelled;
  return { code: 'E_TRAINER_CANCELLED', message: `${name} was cancelled in Slurm, by somebody else`, transient: false };
}

function isMemory(job: QueuedJob | undefined): boolean {
  return job?.state === 'OUT_OF_MEMORY';
}

function failure(of: JobFailure): JobState {
  return { phase: 'failed', failure: of };
}

function lostReason(job: QueuedJob | undefined, { state, launcherLog }: JobFacts): string {
  const known = job === undefined ? 'Slurm knows no such job' : `Slurm job ${job.id} ended as ${job.state}`;
  const last = `${known}; the last that the launcher wrote was \`${state?.phase ?? 'nothing'}\``;
  return launcherLog === '' ? last : `${last}; its output ends with:\n${launcherLog}`;
}
