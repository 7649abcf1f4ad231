import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { cancellationDetails, cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type { JobManifest, JobSpec, JobState, Trainer } from '../adapters/trainer/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { unavailableCode } from '../plan/failures.js';

const firstPollMs = 200;
const slowestPollMs = 2_000;

/**
 * Runs a job to its end: finds it or starts it (the same key is the same job), then polls with heartbeats.
 * Cancelling the activity ends the job; losing the worker does not, the next attempt finds it again.
 */
export async function runJob(
  trainer: Trainer,
  spec: JobSpec,
  key: string,
): Promise<{ job: string; manifest: JobManifest }> {
  const job = await findOrStart(trainer, spec, key);
  heartbeat({ job });
  try {
    for (let pause = firstPollMs; ; pause = Math.min(pause * 1.5, slowestPollMs)) {
      const state = await trainer.poll(job, cancellationSignal());
      heartbeat({ job, phase: state.phase });
      if (state.phase === 'succeeded') return { job, manifest: state.manifest };
      if (state.phase !== 'running') throw await jobFailure(trainer, job, state);
      await sleep(pause);
    }
  } catch (error) {
    if (error instanceof CancelledFailure && cancellationDetails()?.cancelRequested === true) await trainer.stop(job);
    throw error;
  }
}

async function findOrStart(trainer: Trainer, spec: JobSpec, key: string): Promise<string> {
  const found = await trainer.find(key, cancellationSignal());
  if (found === 'unknown') {
    throw new SlipwayError(
      {
        code: unavailableCode,
        message: `the ${trainer.adapter} trainer could not say whether job ${key.slice(0, 12)} exists`,
        fix: 'it is asked again; no second job is started meanwhile',
      },
      exitCodes.temporary,
    );
  }
  if (found !== 'absent') return found.job;
  return await trainer.start(spec, key, cancellationSignal());
}

async function jobFailure(
  trainer: Trainer,
  job: string,
  state: Extract<JobState, { phase: 'failed' | 'lost' }>,
): Promise<Error> {
  if (state.phase === 'lost') {
    return new SlipwayError({
      code: 'E_TRAINER_LOST',
      where: `job ${job}`,
      message: state.reason,
      fix: 'a new stage attempt may start another job',
    });
  }
  const { code, message } = state.failure;
  if (code === 'E_TRAINER_CANCELLED') return ApplicationFailure.nonRetryable(message, 'TrainerCancelled', { code });
  return new SlipwayError({
    code,
    where: `job ${job} on ${trainer.adapter}`,
    message,
    fix: "read its whole output in the job's log",
  });
}
