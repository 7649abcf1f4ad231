import type { DescribeTrainingJobCommandOutput } from '@aws-sdk/client-sagemaker';

import { printable, SlipwayError } from '../../../plan/errors.js';
import { failureOf, type StateFile } from '../../job-launcher/state-file.js';
import type { JobFailure, JobState } from '../port.js';

/** What SageMaker tells about a training job, as far as it is read. */
export type Description = Partial<
  Pick<
    DescribeTrainingJobCommandOutput,
    | 'TrainingJobName'
    | 'TrainingJobStatus'
    | 'SecondaryStatus'
    | 'SecondaryStatusTransitions'
    | 'FailureReason'
    | 'BillableTimeInSeconds'
  >
>;

/** Whether nothing of the job runs any more. */
export function hasEnded({ TrainingJobStatus }: Description): boolean {
  return ['Completed', 'Failed', 'Stopped', 'Deleting'].includes(TrainingJobStatus ?? '');
}

/**
 * Where a job is. SageMaker's word decides whether it has ended, the launcher's (`told`) how: while SageMaker runs it,
 * also a state that says otherwise is of a container that spot capacity was taken from.
 */
export function stateOf(of: Description, told: StateFile | undefined, where: string): JobState {
  const state = fate(of, told, where);
  return state.phase === 'lost' ? state : { ...state, ...interrupted(of) };
}

/** How often spot capacity was taken back and the job trained again. One that ended by it tells that as its end. */
function interrupted({ SecondaryStatusTransitions = [] }: Description): { interruptions?: number } {
  const statuses = SecondaryStatusTransitions.map(({ Status }) => Status);
  const again = Math.max(0, statuses.lastIndexOf('Training'));
  const interruptions = statuses.slice(0, again).filter((status) => status === 'Interrupted').length;
  return interruptions > 0 ? { interruptions } : {};
}

function fate(of: Description, told: StateFile | undefined, where: string): JobState {
  switch (of.TrainingJobStatus) {
    case 'Completed':
      return { ...completed(told), ...billed(of) };
    case 'Failed':
      return { phase: 'failed', failure: failed(of, told), ...billed(of) };
    case 'Stopped':
      return { phase: 'failed', failure: stopped(of), ...billed(of) };
    case 'InProgress':
    case 'Stopping': {
      const progress = told !== undefined && 'progress' in told ? (told.progress ?? null) : null;
      return { phase: 'running', note: of.SecondaryStatus ?? of.TrainingJobStatus, progress };
    }
    case 'Deleting':
      return { phase: 'lost', reason: 'the training job is being deleted' };
    default:
      throw protocolFault(where, `SageMaker calls the job ${printable(of.TrainingJobStatus ?? 'nothing', 60)}`);
  }
}

/** What Amazon charges for: without the time in which it got the instance ready, and at spot less than it ran. */
function billed({ BillableTimeInSeconds: seconds }: Description): { ranMs?: number } {
  return seconds === undefined ? {} : { ranMs: seconds * 1_000 };
}

function completed(told: StateFile | undefined): JobState {
  if (told?.phase === 'succeeded') return { phase: 'succeeded', manifest: told.manifest };
  const message = 'the training job ended well without a manifest; see that its image runs slipway_launcher';
  return { phase: 'failed', failure: { code: 'E_TRAINER_CONTRACT', message, transient: false } };
}

function failed({ FailureReason = '' }: Description, told: StateFile | undefined): JobFailure {
  // Of a container that was told to go and had nobody who stopped the job.
  const interrupted = told?.phase === 'failed' && told.failure.code === 'E_TRAINER_CANCELLED';
  if (told?.phase === 'failed' && !interrupted) return failureOf(told);
  const reason = printable(FailureReason || 'no reason is given', 1_500);
  const failure = (code: string, transient: boolean, message = `SageMaker says: ${reason}`): JobFailure => {
    return { code, message, transient };
  };
  if (/^CapacityError|insufficient capacity|InsufficientInstanceCapacity/i.test(FailureReason)) {
    return failure('E_TRAINER_LIMIT', true, `no capacity of the instance type was free: ${reason}`);
  }
  if (interrupted) return failure('E_TRAINER_LOST', true, `the container was ended from outside: ${reason}`);
  if (/^Internal(Server|Service)Error/.test(FailureReason)) return failure('E_TRAINER_LOST', true);
  if (FailureReason.startsWith('ClientError')) return failure('E_TRAINER_SPEC', false);
  return failure('E_TRAINER_EXIT', false);
}

function stopped({ SecondaryStatus }: Description): JobFailure {
  switch (SecondaryStatus) {
    case 'MaxWaitTimeExceeded': {
      const message = 'no spot capacity was free for long enough; raise `spot.wait`, or set `spot` to false';
      return { code: 'E_TRAINER_LIMIT', message, transient: true };
    }
    case 'MaxRuntimeExceeded': {
      const message = 'the job ran longer than allowed; raise `timeout` in the stage';
      return { code: 'E_TRAINER_LIMIT', message, transient: false };
    }
    case 'Interrupted':
      return { code: 'E_TRAINER_LOST', message: 'spot capacity was taken back', transient: true };
    default:
      return { code: 'E_TRAINER_CANCELLED', message: 'the job was stopped', transient: false };
  }
}

/** `E_TRAINER_PROTOCOL`: what tells how the job fares cannot be believed. */
export function protocolFault(where: string, message: string): SlipwayError {
  const fix = 'Do not edit what jobs store below `sagemaker/`; run the stage again.';
  return new SlipwayError({ code: 'E_TRAINER_PROTOCOL', where, message, fix });
}
