import { type ExitCode, exitCodes, printable, SlipwayError } from '../../../plan/errors.js';

/** What the SDK tells about a failed request; every part may be missing. */
interface ServiceError {
  name?: string;
  code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

const throttled = /^(Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown|PriorRequestNotComplete)/;
const access =
  /^(AccessDenied|UnauthorizedOperation|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|ExpiredToken|OptInRequired|CredentialsProviderError|NotAuthorized)/;

/** SageMaker positively says that there is no such job; it does so by a validation error as well. */
export function isAbsent(error: unknown): boolean {
  const { name = '', message = '' } = error as ServiceError;
  if (name === 'ResourceNotFound') return true;
  return name === 'ValidationException' && /requested resource not found|could not find training job/i.test(message);
}

/** A job of the name exists. */
export function isTaken(error: unknown): boolean {
  return (error as ServiceError).name === 'ResourceInUse';
}

/** A training job that has ended cannot be stopped. */
export function isEnded(error: unknown): boolean {
  const { name, message = '' } = error as ServiceError;
  return name === 'ValidationException' && /status/i.test(message);
}

/** What SageMaker says about rights, for people: names the missing one. */
export function isRefused(error: unknown): boolean {
  return access.test((error as ServiceError).name ?? '');
}

/**
 * A failed request as people and activities see it: `E_UNAVAILABLE` (75) may succeed later (throttling, 5xx, no answer,
 * no capacity left), `E_TRAINER_ACCESS` (77), `E_TRAINER_LIMIT` for a quota of nothing, else `E_TRAINER_SPEC`.
 * `keys`: what was signed with, by reference. An abort and a fault of ours pass unchanged.
 */
export function sagemakerFault(error: unknown, doing: string, where: string, keys: string): unknown {
  const { name = 'Error', code, message = '', $metadata } = error as ServiceError;
  if (error instanceof SlipwayError || name === 'AbortError') return error;
  const said = `${doing} failed: ${name} ${printable(message, 600)}`.trim();
  const fault = (faultCode: string, fix: string, exitCode?: ExitCode) =>
    new SlipwayError({ code: faultCode, where, message: said, fix }, exitCode);
  if (isRefused(error)) {
    const fix = `See ${keys}: that they are right and have not ended, and that theirs are the rights of docs/adapters/sagemaker.md; the message names the one.`;
    return fault('E_TRAINER_ACCESS', fix, exitCodes.permission);
  }
  if (name === 'ResourceLimitExceeded') {
    // A limit of nothing is there until somebody asks for more; any other is free again when other jobs have ended.
    const nothing = /\bis 0 instances\b/i.test(message);
    const fix = 'Ask for more under Service Quotas, SageMaker, or name another `instanceType`.';
    return nothing ? fault('E_TRAINER_LIMIT', fix) : fault('E_UNAVAILABLE', fix, exitCodes.temporary);
  }
  const status = $metadata?.httpStatusCode;
  const unanswered = status === undefined && (code !== undefined || name === 'TimeoutError' || message === 'aborted');
  if (throttled.test(name) || unanswered || (status ?? 0) >= 500 || status === 408 || status === 429) {
    return fault('E_UNAVAILABLE', 'It is asked again; see the health of SageMaker in the region.', exitCodes.temporary);
  }
  if (status === undefined) return error;
  return fault('E_TRAINER_SPEC', 'Correct what the message names, in `trainers` of slipway.config.ts or in the stage.');
}
