import { ApplicationFailure, TemporalFailure } from '@temporalio/workflow';

/** What a failure says of itself beside its message. */
export interface FailureFacts {
  /** `E_…`. */
  code?: string;
  /** The adapter that was at work. */
  adapter?: string;
}

/** Facts of a failed activity or child, when it has some. */
export function failureFacts(error: unknown): FailureFacts {
  if (error instanceof ApplicationFailure && error.details?.[0] != null) return error.details[0] as FailureFacts;
  return error instanceof TemporalFailure && error.cause !== undefined ? failureFacts(error.cause) : {};
}

/** The `E_…` code of a failed activity, when it has one. */
export function failureCode(error: unknown): string | undefined {
  return failureFacts(error).code;
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
