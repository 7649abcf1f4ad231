import { type ExitCode, exitCodes, type Fault, SlipwayError } from '../plan/errors.js';
import { withoutUndefined } from '../plan/json.js';

/** Status of each code that a caller may be told. */
const statusOf: Record<string, number> = {
  E_ID: 400,
  E_JSON: 400,
  E_SIG: 401,
  E_SIG_TIME: 401,
  E_HOST: 403,
  E_ORIGIN: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_IDEMPOTENCY_MISMATCH: 409,
  E_BODY_SIZE: 413,
  E_CONTENT_TYPE: 415,
  E_SCHEMA: 422,
  E_RATE: 429,
  E_UNAVAILABLE: 503,
};

export function refusal(code: string, message: string, fix?: string): SlipwayError {
  const exit: ExitCode = exitCodes.data;
  return new SlipwayError({ code, message, ...withoutUndefined({ fix }) }, exit);
}

/** Tells a caller to come back. */
export class TooOften extends SlipwayError {
  readonly retryAfter: number;
  constructor(seconds: number) {
    super({ code: 'E_RATE', message: `too many requests; try again in ${seconds} s` });
    this.retryAfter = seconds;
  }
}

/** What a caller gets for an error: known refusals as they are, everything internal as one sentence. */
export function answerTo(error: unknown): { status: number; faults: readonly Fault[] } {
  if (error instanceof SlipwayError) {
    const status = statusOf[error.code];
    if (status === 503) return { status, faults: [{ code: 'E_UNAVAILABLE', message: 'try again later' }] };
    if (status !== undefined) return { status, faults: error.faults };
  }
  return { status: 500, faults: [{ code: 'E_INTERNAL', message: 'the gateway failed; its log says why' }] };
}
