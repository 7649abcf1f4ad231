import { setTimeout as delay } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import { activityInfo, cancellationDetails, cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type { JobManifest, JobSpec, JobState, Progress, Trainer } from '../adapters/trainer/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { unavailableCode } from '../plan/failures.js';
import { failedJob } from './failed-job.js';
import { checkOutputs } from './job-outputs.js';

const firstPollMs = 200;
const slowestPollMs = 5_000;
const defaultAbsenceMs = 30_000;
const beatMs = 2_000;

/** What the heartbeat tells, to people and to the next try of the activity. */
export interface JobFacts {
  key: string;
  job: string | null;
  phase: JobState['phase'] | 'submitting' | null;
  note: string | null;
  progress: Progress | null;
}

/**
 * Runs a job to its end: finds it or starts it (the same key is the same job), then polls. Heartbeats come from a
 * clock of their own, so a slow trainer is no dead worker; their details are `JobFacts`. Cancelling the activity
 * returns only when the job has ended; losing the worker ends nothing, the next try goes on with the same job.
 *
 * @throws E_TRAINER_OUTPUTS when it names outputs that lie elsewhere; E_TRAINER_LOST when the job is gone for good: by then nothing of it runs
 */
export async function runJob(
  trainer: Trainer,
  spec: JobSpec,
  key: string,
): Promise<{ job: string; manifest: JobManifest }> {
  const facts = knownFacts(key);
  const beat = setInterval(() => heartbeat(facts), beatMs);
  try {
    const job = facts.job ?? (await findOrStart(trainer, spec, facts));
    facts.job = job;
    heartbeat(facts);
    const manifest = await follow(trainer, spec, job, facts);
    checkOutputs(manifest, spec, job);
    return { job, manifest };
  } catch (error) {
    if (error instanceof CancelledFailure && cancellationDetails()?.cancelRequested === true)
      await stopForSure(trainer, facts);
    throw error;
  } finally {
    clearInterval(beat);
  }
}

/** What the try before told last, if it was about this job. */
function knownFacts(key: string): JobFacts {
  const nothing: JobFacts = { key, job: null, phase: null, note: null, progress: null };
  const before = activityInfo().heartbeatDetails as Partial<JobFacts> | undefined;
  return before?.key === key && typeof before.job === 'string' ? { ...nothing, job: before.job } : nothing;
}

/**
 * The job of the key. An earlier try may have submitted one whose answer was lost, and a trainer may take time to
 * show it: then it must deny the job for `absenceMs` without a break before it is submitted again, by the same key.
 */
async function findOrStart(trainer: Trainer, spec: JobSpec, facts: JobFacts): Promise<string> {
  const window = activityInfo().attempt === 1 ? 0 : (trainer.absenceMs ?? defaultAbsenceMs);
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
  return await trainer.start(spec, facts.key, cancellationSignal());
}

async function follow(trainer: Trainer, spec: JobSpec, job: string, facts: JobFacts): Promise<JobManifest> {
  const slowest = trainer.pollMs ?? slowestPollMs;
  let lostSince: number | undefined;
  for (let pause = firstPollMs; ; pause = Math.min(pause * 1.5, slowest)) {
    const state = await trainer.poll(job, cancellationSignal());
    tell(facts, state);
    if (state.phase === 'succeeded') return state.manifest;
    if (state.phase === 'failed') throw failedJob(trainer.adapter, spec, job, state.failure);
    if (state.phase === 'lost') {
      lostSince ??= Date.now();
      if (Date.now() - lostSince >= (trainer.absenceMs ?? defaultAbsenceMs))
        throw await lost(trainer, job, state.reason);
    } else lostSince = undefined;
    await sleep(pause);
  }
}

function tell(facts: JobFacts, state: JobState): void {
  facts.phase = state.phase;
  facts.note = state.phase === 'running' ? state.note : null;
  if (state.phase === 'running') facts.progress = state.progress;
  heartbeat(facts);
}

/** Ends the job, and what may be left of one whose start was cut off; tries again while the trainer cannot be reached. */
async function stopForSure(trainer: Trainer, facts: JobFacts): Promise<void> {
  for (let pause = firstPollMs; ; pause = Math.min(pause * 2, slowestPollMs)) {
    try {
      const found = facts.job === null ? await trainer.find(facts.key) : { job: facts.job };
      if (found === 'absent') return;
      if (found !== 'unknown') return await trainer.stop(found.job);
    } catch (error) {
      if (!(error instanceof SlipwayError && error.code === unavailableCode)) throw error;
    }
    // Not the activity's own sleep, which a cancelled activity has no more.
    await delay(pause);
  }
}

/** A lost job may have left processes behind: they are ended before another attempt starts. */
async function lost(trainer: Trainer, job: string, reason: string): Promise<Error> {
  await trainer.stop(job);
  return new SlipwayError({
    code: 'E_TRAINER_LOST',
    where: `job ${job}`,
    message: reason,
    fix: 'a new stage attempt may start another job',
  });
}

function cannotSay(trainer: Trainer, key: string): Error {
  return new SlipwayError(
    {
      code: unavailableCode,
      message: `the ${trainer.adapter} trainer could not say whether job ${key.slice(0, 12)} exists`,
      fix: 'it is asked again; no second job is started meanwhile',
    },
    exitCodes.temporary,
  );
}
