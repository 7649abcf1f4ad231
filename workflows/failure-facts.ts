import { ApplicationFailure, CancelledFailure, TemporalFailure, isCancellation } from '@temporalio/workflow';
import { newAttemptCodes } from '../plan/failures.js';
import { toldOf, type AttemptView, type JobTold } from '../plan/job-told.js';
import { withoutUndefined } from '../plan/json.js';

/** What a failure says of itself beside its message. */
export interface FailureFacts extends JobTold {
  /** `E_…`. */
  code?: string;
  /** The adapter that was at work. */
  adapter?: string;
  /** Of a failed job: may another attempt help? Absent: the code says. */
  transient?: boolean;
  /** Of a failed job: it was ended by nothing of its own. */
  interrupted?: boolean;
  /** Nothing of a job runs: it was stopped, never began or has ended. */
  stopped?: true;
}

/** Facts of a failed activity or child, when it has some. */
export function failureFacts(error: unknown): FailureFacts {
  if ((error instanceof ApplicationFailure || error instanceof CancelledFailure) && error.details?.[0] != null)
    return error.details[0] as FailureFacts;
  return error instanceof TemporalFailure && error.cause !== undefined ? failureFacts(error.cause) : {};
}

/** The `E_…` code of a failed activity, when it has one. */
export function failureCode(error: unknown): string | undefined {
  return failureFacts(error).code;
}

/** How an attempt of a stage ended that failed, or was cancelled. */
export function failedAttempt(error: unknown): Omit<AttemptView, 'attempt'> {
  const { code, interrupted, ...facts } = failureFacts(error);
  return {
    ended: isCancellation(error) ? 'cancelled' : 'failed',
    ...withoutUndefined({ code }),
    ...(interrupted === true ? { interrupted } : {}),
    ...toldOf(facts),
  };
}

/** May another attempt of the stage help after this failure? */
export function mayTryAgain(error: unknown): boolean {
  const { code, transient } = failureFacts(error);
  return transient ?? (code !== undefined && newAttemptCodes.includes(code));
}

/** What went wrong, in the words of the innermost cause. */
export function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? failureReason(error.cause) : error.message;
}

/** A final failure of the workflow's own, with a stable code. */
export function refusal(code: string, type: string, message: string, facts: FailureFacts = {}): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${code} ${message}`, type, { ...facts, code });
}
