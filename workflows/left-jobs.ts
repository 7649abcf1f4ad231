import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  log,
  sleep,
} from '@temporalio/workflow';
import type { StageCall } from '../activities/calls.js';
import type { JobCall } from '../activities/stop-job.js';
import type { ModelOutput } from '../plan/outputs.js';
import { candidatePurpose, championPurpose } from '../plan/run-jobs.js';
import { calls, type JobStage } from './call.js';
import { failureFacts, failureReason } from './failure-facts.js';

const firstPauseMs = 15_000;
const slowestPauseMs = 60 * 60_000;
const leftWords = 'its job may still run: `slipway doctor` lists it, with how to end it';
type Snapshot = ReturnType<typeof calls.snapshotData>;
type Train = ReturnType<typeof calls.trainModel>;
type Evaluate = ReturnType<typeof calls.evaluateModel>;

/** A snapshot whose source is no job leaves none. */
export function snapshotData(call: StageCall, stage: JobStage): Snapshot {
  const work = () => calls.snapshotData(call, stage);
  return stage.job === true ? withoutLeaving(call, stage, work) : work();
}

export function trainModel(call: StageCall, stage: JobStage): Train {
  return withoutLeaving(call, stage, () => calls.trainModel(call, stage));
}

export function evaluateModel(call: StageCall, stage: JobStage): Evaluate {
  return withoutLeaving({ ...call, purpose: candidatePurpose }, stage, () => calls.evaluateModel(call, stage));
}

export function scoreChampion(call: StageCall, champion: ModelOutput, stage: JobStage, by: string): Evaluate {
  const purpose = championPurpose(champion.digest);
  return withoutLeaving({ ...call, purpose }, stage, () => calls.scoreChampion({ ...call, champion }, stage, by));
}

/**
 * An activity stops its job itself when it is cancelled. One that was cancelled between two tries, that timed out or that failed at
 * watching has left its job running: it is ended by its key before anybody hears of the end.
 */
function withoutLeaving<T>(call: JobCall, stage: JobStage, work: () => Promise<T>): Promise<T> {
  return work().catch(async (error: unknown) => {
    if (!mayLeaveJob(error)) throw error;
    const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    const ended = await CancellationScope.nonCancellable(() => stopLeft(call, stage, cancelled));
    // A worker that died while it stopped its job gets no second try, and what is told then is its silence.
    if (cancelled) throw isCancellation(error) ? error : new CancelledFailure('CANCELLED');
    throw ended ? error : left(error);
  });
}

/** Whether no trainer has told that the job ended. */
function mayLeaveJob(error: unknown): boolean {
  const { adapter, stopped, code } = failureFacts(error);
  return adapter === undefined && stopped !== true && code !== 'E_TRAINER_CANCELLED';
}

/** Whether nothing is left. A cancelled run waits for its trainer as long as it takes, also for its credentials. */
async function stopLeft(call: JobCall, stage: JobStage, cancelled: boolean): Promise<boolean> {
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, slowestPauseMs)) {
    try {
      if (await calls.mayHaveJob(call)) await calls.stopJob(call, stage, cancelled);
      return true;
    } catch (error) {
      log.warn(leftWords, { stage: call.stage, error });
      if (!cancelled) return false;
    }
    await sleep(pause);
  }
}

/** The failure of a stage whose job nobody could end: no other may begin beside it. */
function left(error: unknown): ApplicationFailure {
  const facts = { ...failureFacts(error), transient: false };
  return ApplicationFailure.nonRetryable(`${failureReason(error)}; ${leftWords}`, 'JobLeft', facts);
}
