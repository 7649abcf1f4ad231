import { type ExitCode, exitCodes, SlipwayError } from '../../../plan/errors.js';

/** What the SDK tells about a failed request; every part may be missing. */
interface ServiceError {
  name?: string;
  code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
  /** When the store answered, in an answer about the time. */
  ServerTime?: string;
  $response?: { headers?: Record<string, string> };
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const accessNames = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
]);

/** The bytes changed on their way: the store took none of them. */
const transferNames = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch']);

/** Our clock was set: the SDK takes the time from this answer, so the next request is in time. */
const clockNames = new Set(['RequestTimeTooSkewed', 'RequestExpired']);

/** The store does not know something that was asked of it, and will not know it later. */
const notImplemented = 501;

/** HTTP status of a failed request, if it got that far. */
export function statusOf(error: unknown): number | undefined {
  return (error as ServiceError).$metadata?.httpStatusCode;
}

/** The object is not there (a missing bucket is another fault). */
export function isMissing(error: unknown): boolean {
  const { name } = error as ServiceError;
  return name === 'NoSuchKey' || name === 'NotFound' || (statusOf(error) === 404 && name !== 'NoSuchBucket');
}

/** No answer, or one that says to try again later. */
export function isTransient(error: unknown): boolean {
  const { name, code, message } = error as ServiceError;
  const status = statusOf(error);
  if (transferNames.has(name ?? '') || clockNames.has(name ?? '')) return true;
  if (status !== undefined) return (status >= 500 && status !== notImplemented) || status === 429 || status === 408;
  return name === 'TimeoutError' || networkCodes.has(code ?? '') || message === 'aborted';
}

/**
 * A failed request as people and activities see it. `E_UNAVAILABLE` (75; 69 when clocks differ) may succeed later; `E_S3_ACCESS` needs
 * a person, who is told where the keys come from. An abort, a fault of ours and a fault of the file system pass unchanged.
 */
export function storeFault(error: unknown, doing: string, where: string, { keys }: { keys: string }): unknown {
  const { name = 'Error', code, message = '' } = error as ServiceError;
  if (error instanceof SlipwayError || name === 'AbortError') return error;
  const said = `${doing} failed: ${code ?? name} ${message}`.trim();
  if (clockNames.has(name)) return clockFault(error as ServiceError, said, where, keys);
  if (isTransient(error)) return unavailable(said, where);
  const fault = (faultCode: string, fix: string, exitCode: ExitCode) =>
    new SlipwayError({ code: faultCode, where, message: said, fix }, exitCode);
  const status = statusOf(error);
  if (accessNames.has(name) || status === 403 || status === 401) {
    return fault('E_S3_ACCESS', `Check ${keys}, and their rights on this bucket.`, exitCodes.permission);
  }
  if (status === undefined) return error;
  if (status === notImplemented) {
    return fault(
      'E_S3_ACCESS',
      "If the store does not know the checksums of newer clients, set `checksums: 'when_required'` of s3(…); else see what it lacks.",
      exitCodes.configuration,
    );
  }
  if (isMissing(error)) {
    return fault(
      'E_ARTIFACT_MISSING',
      'Look whether somebody removed it; what made it can be run again.',
      exitCodes.data,
    );
  }
  return fault(
    'E_S3_ACCESS',
    'Check endpoint, region and bucket of the store in the configuration.',
    exitCodes.configuration,
  );
}

/** Signed too early or too late, also with the store's own time: `E_UNAVAILABLE` (69) with the seconds that the clocks are apart. */
function clockFault(error: ServiceError, said: string, where: string, keys: string): SlipwayError {
  const theirs = Date.parse(error.ServerTime ?? error.$response?.headers?.['date'] ?? '');
  const ahead = Math.round((Date.now() - theirs) / 1_000);
  const skew = Number.isNaN(ahead)
    ? "the clocks of this machine and of the store differ, by how much the store's answer does not say"
    : `this machine's clock is ${Math.abs(ahead)} s ${ahead < 0 ? 'behind' : 'ahead of'} the store's`;
  const fix = `Set the clock of the machine (NTP); the request was signed with ${keys}.`;
  return new SlipwayError({ code: 'E_UNAVAILABLE', where, message: `${said}; ${skew}`, fix }, exitCodes.unavailable);
}

/** The store cannot be used at the moment. */
export function unavailable(said: string, where: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_UNAVAILABLE',
      where,
      message: said,
      fix: 'The same call may succeed later; see whether the store is up.',
    },
    exitCodes.temporary,
  );
}

/** Bytes are not those that were promised. */
export function digestFault(
  uri: string,
  expected: { sha256: string; bytes: number },
  actual: { sha256: string; bytes: number },
): SlipwayError {
  return new SlipwayError({
    code: 'E_ARTIFACT_DIGEST',
    where: uri,
    message:
      `expected sha256 ${expected.sha256.slice(0, 12)} (${expected.bytes} bytes), ` +
      `found ${actual.sha256.slice(0, 12)} (${actual.bytes} bytes)`,
    fix: 'Somebody or something changed the object: restore it or make it again; it is not used.',
  });
}
