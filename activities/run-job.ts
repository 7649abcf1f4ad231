import { CancelledFailure } from '@temporalio/common';
import { activityInfo, cancellationDetails, cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type { JobManifest, JobSpec, JobState, Progress, Trainer } from '../adapters/trainer/port.js';
import type { Price } from '../plan/cost.js';
import { SlipwayError } from '../plan/errors.js';
import type { JobTold } from '../plan/job-told.js';
import { beatMs } from '../plan/stage-defaults.js';
import {
  absenceMs,
  cannotSay,
  ended,
  isFaultOfResult,
  isRefusalToTell,
  isUnavailable,
  lost,
  overrun,
  stopByKey,
  untilReached,
} from './end-job.js';
import { whileNoJobRuns, failedJob, withoutJob } from './failed-job.js';
import { checkArguments } from './job-arguments.js';
import { costFact } from './job-cost.js';
import { checkOutputs } from './job-outputs.js';
import { progressTeller, type ProgressListeners } from './job-progress.js';

const firstPollMs = 200;
const slowestPollMs = 5_000;
/** How long a trainer must refuse to tell of a job that it has before nobody waits any more. */
const refusalMs = 5 * 60_000;
const noteLength = 200;

/** What the heartbeat tells, to people and to the next try of the activity. */
export interface JobFacts {
  key: string;
  job: string | null;
  phase: JobState['phase'] | 'submitting' | null;
  note: string | null;
  progress: Progress | null;
  /** When the job was first seen, ms since the epoch: what it cost is told by this where the trainer does not know. */
  since: number | null;
  /** The same of when it was first seen to run and not to wait for its place. */
  runs: number | null;
  /** How often the run was told of the progress. */
  news: number;
  /** How often the trainer began it again. */
  interruptions: number;
}

/** What is made of a job beside its end. */
export interface JobWatch extends ProgressListeners {
  /** What an hour of it costs; null: its cost is not told. */
  price: Price | null;
}

/**
 * Runs a job to its end: finds it or starts it (the same key is the same job), then polls. Heartbeats come from a
 * clock of their own, so a slow trainer is no dead worker; their details are `JobFacts`. Cancelling the activity
 * returns only when the job has ended, in `details[0]` `stopped: true` and its cost; losing the worker ends nothing, the next try goes on with the same job.
 *
 * @throws E_ARG when its arguments are none, before the trainer is asked; E_TRAINER_OUTPUTS when it names outputs that lie elsewhere; E_TRAINER_LOST when the job is gone for good, E_TRAINER_LIMIT when it does not end in time: by then nothing of it runs
 */
export async function runJob(
  trainer: Trainer,
  spec: JobSpec,
  key: string,
  { price, ...listeners }: JobWatch = { price: null },
): Promise<{ job: string; manifest: JobManifest } & JobTold> {
  whileNoJobRuns(() => checkArguments(spec));
  const facts = knownFacts(key);
  const endsAt = Date.now() + activityInfo().startToCloseTimeoutMs;
  const beat = setInterval(() => heartbeat(facts), beatMs);
  try {
    const job = facts.job ?? (await findOrStart(trainer, spec, facts));
    facts.job = job;
    facts.since ??= Date.now();
    heartbeat(facts);
    const { manifest, ...told } = await follow(trainer, spec, job, facts, { price, ...listeners });
    whileNoJobRuns(() => checkOutputs(manifest, spec, job));
    return { job, manifest, ...told };
  } catch (error) {
    const cut = error instanceof CancelledFailure || isUnavailable(error);
    if (!cut || cancellationDetails()?.cancelRequested !== true) throw error;
    await stopForSure(trainer, facts, endsAt);
    const cost = facts.since === null ? {} : costFact(price, Date.now() - facts.since);
    throw new CancelledFailure('CANCELLED', [{ ...cost, stopped: true }]);
  } finally {
    clearInterval(beat);
  }
}

/** What the try before told last, if it was about this job. */
function knownFacts(key: string): JobFacts {
  const nothing: JobFacts = {
    key,
    job: null,
    phase: null,
    note: null,
    progress: null,
    since: null,
    runs: null,
    news: 0,
    interruptions: 0,
  };
  const before = activityInfo().heartbeatDetails as Partial<JobFacts> | undefined;
  if (before?.key !== key || typeof before.job !== 'string') return nothing;
  const { job, since = null, runs = null, progress = null, news = 0, interruptions = 0 } = before;
  return { ...nothing, job, since, runs, progress, news, interruptions };
}

/**
 * The job of the key. An earlier try may have submitted one whose answer was lost, and a trainer may take time to
 * show it: then it must deny the job for `absenceMs` without a break before it is submitted again, by the same key.
 */
async function findOrStart(trainer: Trainer, spec: JobSpec, facts: JobFacts): Promise<string> {
  const window = activityInfo().attempt === 1 ? 0 : absenceMs(trainer);
  const since = Date.now();
  for (;;) {
    const found = await trainer.find(facts.key, cancellationSignal());
    if (found === 'unknown') throw cannotSay(trainer, facts.key);
    if (found !== 'absent') return found.job;
    const left = since + window - Date.now();
    if (left <= 0) break;
    await sleep(Math.min(left, slowestPollMs));
  }
  facts.phase = 'submitting';
  heartbeat(facts);
  // Never cut off: whether one that was on its way arrives, nobody could tell.
  return await trainer.start(spec, facts.key).catch((error: unknown) => {
    throw isUnavailable(error) || isRefusalToTell(error) ? error : withoutJob(error);
  });
}

async function follow(
  trainer: Trainer,
  spec: JobSpec,
  job: string,
  facts: JobFacts,
  watch: JobWatch,
): Promise<{ manifest: JobManifest } & JobTold> {
  const told = (ranMs = Date.now() - (facts.since ?? Date.now())): JobTold => ({
    ...costFact(watch.price, ranMs),
    ...(facts.interruptions > 0 && { interruptions: facts.interruptions }),
  });
  const progressed = progressTeller(facts, watch);
  const slowest = trainer.pollMs ?? slowestPollMs;
  const ask = patientPoll(trainer, job, facts);
  let lostSince: number | undefined;
  // Soon at first where asking is cheap: a job of a second does not wait for us.
  for (let pause = Math.min(firstPollMs, slowest / 20); ; pause = Math.min(pause * 1.5, slowest)) {
    // Listens before it asks: no change falls in between.
    const news = listen(trainer, job);
    try {
      const state = await ask();
      if (state?.phase === 'running' && state.progress !== null) progressed(state.progress);
      if (state !== undefined) tell(facts, state);
      if (state?.phase === 'succeeded') return { manifest: state.manifest, ...told(state.ranMs) };
      if (state?.phase === 'failed') throw failedJob(trainer.adapter, spec, job, state.failure, told(state.ranMs));
      if (state?.phase === 'lost') {
        lostSince ??= Date.now();
        if (Date.now() - lostSince >= absenceMs(trainer)) throw await ended(trainer, job, lost(state.reason), told());
      } else lostSince = undefined;
      if (state?.phase === 'running' && state.queued !== true && overran(trainer, spec, facts))
        throw await ended(trainer, job, overrun(spec), told());
      await Promise.race([sleep(pause), news.came]);
    } finally {
      news.end();
    }
  }
}

/** Waits for word from the trainer, where it gives any; what has not come by `end` comes then. */
function listen(trainer: Trainer, job: string): { came: Promise<void>; end(): void } {
  const ended = new AbortController();
  const never = new Promise<void>(() => undefined);
  const came = trainer.changed?.(job, ended.signal).catch(() => never);
  return { came: came ?? never, end: () => ended.abort() };
}

function tell(facts: JobFacts, state: JobState): void {
  facts.phase = state.phase;
  facts.note = state.phase === 'running' ? state.note : null;
  if (state.phase === 'running') facts.progress = state.progress;
  if (state.phase !== 'lost') facts.interruptions = Math.max(facts.interruptions, state.interruptions ?? 0);
  heartbeat(facts);
}

/** Ends the job of the heartbeat, or what may be left of a start without an answer. Gives up when the activity has no time left. */
async function stopForSure(trainer: Trainer, { key, job, phase }: JobFacts, endsAt: number): Promise<void> {
  const { attempt } = activityInfo();
  const window = attempt > 1 || phase === 'submitting' ? absenceMs(trainer) : 0;
  await untilReached(() => (job === null ? stopByKey(trainer, key, window) : trainer.stop(job)), endsAt);
}

/**
 * Asks for a job's state. Undefined: the trainer refused to tell, by expired credentials for example. The job goes on meanwhile, so
 * that only a refusal without a break for `refusalMs` is final.
 */
function patientPoll(trainer: Trainer, job: string, facts: JobFacts): () => Promise<JobState | undefined> {
  let since: number | undefined;
  return async () => {
    try {
      const state = await trainer.poll(job, cancellationSignal());
      since = undefined;
      return state;
    } catch (error) {
      if (!(error instanceof SlipwayError) || isUnavailable(error)) throw error;
      if (isFaultOfResult(error)) throw withoutJob(error);
      since ??= Date.now();
      if (Date.now() - since >= refusalMs) throw error;
      facts.note = error.message.slice(0, noteLength);
      heartbeat(facts);
      return undefined;
    }
  };
}

/** Where the trainer does not see to the time limit itself: whether the job should have ended long ago. */
function overran(trainer: Trainer, { maxMs }: JobSpec, facts: JobFacts): boolean {
  facts.runs ??= Date.now();
  return trainer.overrunMs !== undefined && Date.now() - facts.runs > maxMs + trainer.overrunMs;
}
