import { printable } from '../../../plan/errors.js';
import { failureOf, ranMsOf, type StateFile } from '../../job-launcher/state-file.js';
import type { JobFailure, JobState } from '../port.js';
import { holds, type KubernetesJob, type Pod } from './objects.js';
import { describePod, explain, hopeless, isLiving, isMemory, lastWords, noPlace, overtime } from './pod-state.js';

/** Everything that is known about a job at one moment. */
export interface JobFacts {
  /** The Job; undefined when Kubernetes says that there is none. */
  job: KubernetesJob | undefined;
  /** Its pods, those of a Job that is gone among them. */
  pods: readonly Pod[];
  /** What the launcher told last. */
  told: StateFile | undefined;
  /** Why it was ended from here; undefined when it was not. */
  end: JobFailure | undefined;
  /** The API server's clock, in ms since 1970. */
  at: number;
  /** How long it may wait for a place in the cluster. */
  placeMs: number;
}
/** `hopeless`: it will not start, and must be ended before that is told. */
export type Judgement = JobState | { phase: 'hopeless'; failure: JobFailure };

/** Whether nothing of the job runs, or will. */
export function hasEnded({ job, pods }: Pick<JobFacts, 'job' | 'pods'>): boolean {
  return !pods.some(isLiving) && (job === undefined || isFinished(job));
}

/**
 * How a job fares. Kubernetes' word decides whether it has ended. Success, and a failure of the command, are the
 * launcher's to tell; an end that came from outside is told as Kubernetes explains it. `lost`: neither knows.
 */
export function judge(facts: JobFacts): Judgement {
  const { told } = facts;
  const state = fate(facts);
  if (state.phase !== 'succeeded' && state.phase !== 'failed') return state;
  return told?.phase === 'succeeded' || told?.phase === 'failed' ? { ...state, ...ranMsOf(told) } : state;
}

function fate(facts: JobFacts): Judgement {
  const { told, end, pods } = facts;
  if (!hasEnded(facts)) return going(facts);
  if (told?.phase === 'succeeded') return { phase: 'succeeded', manifest: told.manifest };
  if (end !== undefined) return failed(end);
  const own = told?.phase === 'failed' ? failureOf(told) : undefined;
  const fromOutside = own?.code === 'E_TRAINER_CANCELLED' || (told?.phase === 'failed' && (told.exitCode ?? 0) < 0);
  const explained = explainAll(facts);
  if (explained !== undefined && (own === undefined || fromOutside || pods.some(isMemory))) return failed(explained);
  if (own === undefined) return untold(facts);
  if (own.code !== 'E_TRAINER_CANCELLED') return failed(own);
  const message = `${own.message}; Kubernetes does not say who did it`;
  return failed({ code: 'E_TRAINER_LOST', message, transient: true });
}

function isFinished({ status }: KubernetesJob): boolean {
  const conditions = status?.conditions ?? [];
  return holds(conditions, 'Complete') !== undefined || holds(conditions, 'Failed') !== undefined;
}

function going({ job, pods, told, at, placeMs }: JobFacts): Judgement {
  const pod = pods.find(isLiving);
  const deleted = job === undefined || Boolean(job.metadata.deletionTimestamp);
  const since = Date.parse(job?.status?.startTime ?? '');
  if (!deleted && job.spec.suspend !== true) {
    const failure = pod === undefined ? undefined : hopeless(pod, at, placeMs);
    if (failure !== undefined) return { phase: 'hopeless', failure };
    // Since its pods were gone, or were never made, Kubernetes has told nothing new.
    if (pods.length === 0 && at - since > placeMs) return { phase: 'hopeless', failure: noPlace('it has no pod') };
  }
  const state = job === undefined ? 'the Job is gone' : deleted ? 'the Job is being deleted' : undefined;
  const what = pod === undefined ? (job?.spec.suspend === true ? 'suspended' : 'no pod yet') : describePod(pod);
  const phase = told === undefined || told.phase === 'failed' ? undefined : told.phase;
  const progress = told !== undefined && 'progress' in told ? (told.progress ?? null) : null;
  return { phase: 'running', note: [state, what, phase].filter(Boolean).join(', '), progress };
}

function explainAll({ job, pods, told }: JobFacts): JobFailure | undefined {
  for (const pod of pods) {
    const explained = explain(pod);
    if (explained !== undefined) return explained;
  }
  const ended = holds(job?.status?.conditions ?? [], 'Failed');
  if (ended?.reason !== 'DeadlineExceeded') return undefined;
  return told === undefined ? noPlace(printable(ended.message ?? '', 300)) : overtime('the Job');
}

/** It has ended, and its launcher has no last word. */
function untold({ job, pods, told }: JobFacts): JobState {
  if (holds(job?.status?.conditions ?? [], 'Complete') !== undefined) {
    const message = 'the Job ended well without a manifest; see that its image runs slipway_launcher';
    return failed({ code: 'E_TRAINER_CONTRACT', message, transient: false });
  }
  const ended = holds(job?.status?.conditions ?? [], 'Failed');
  const known =
    job === undefined ? 'Kubernetes knows no such Job' : `the Job failed: ${printable(ended?.message ?? '', 300)}`;
  const last = `the last that the launcher told was \`${told?.phase ?? 'nothing'}\``;
  return { phase: 'lost', reason: [known, last, ...pods.map(lastWords)].join('; ') };
}

function failed(failure: JobFailure): JobState {
  return { phase: 'failed', failure };
}
