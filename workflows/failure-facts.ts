import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** The `E_…` code of a failed activity, when it has one. */
export function failureCode(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) return undefined;
  return (cause.details?.[0] as { code?: string } | undefined)?.code;
}

/** What went wrong, in the words of the innermost cause. */
export function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? failureReason(error.cause) : error.message;
}
