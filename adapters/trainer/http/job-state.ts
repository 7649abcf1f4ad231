import type { z } from 'zod';

import { exitCodes, type Fault, printable, SlipwayError } from '../../../plan/errors.js';
import { pointerStep } from '../../../plan/json.js';
import { manifestFaults } from '../../job-launcher/manifest.js';
import type { JobState } from '../port.js';
import { type Answer, protocolFault, unavailable } from './exchange.js';
import type { JobHandle } from './job-handle.js';
import { jobMessage, type JobMessage, metricsMessage, refusalMessage } from './messages.js';

/** What a job message says, as the port puts it. `E_METRIC_INVALID` when its metrics are no finite numbers. */
export function stateOf(message: JobMessage, where: string): JobState {
  switch (message.phase) {
    case 'queued':
      return { phase: 'running', note: message.note ?? 'queued', progress: message.progress, queued: true };
    case 'running':
      return { phase: 'running', note: message.note ?? 'running', progress: message.progress };
    case 'succeeded': {
      const { key, files, metrics, formats = {} } = message.manifest;
      if (key !== message.key) throw protocolFault(`the manifest is that of another job, ${key.slice(0, 12)}`, where);
      return {
        phase: 'succeeded',
        manifest: { format: 1, key, files, metrics: checkedMetrics(metrics, where), formats },
        ...ranOf(message.seconds),
      };
    }
    case 'failed':
      return {
        phase: 'failed',
        failure: { ...message.failure, message: printable(message.failure.message, 2_000) },
        ...ranOf(message.seconds),
      };
    case 'lost':
      return { phase: 'lost', reason: printable(message.reason, 2_000) };
  }
}

function ranOf(seconds: number | undefined): { ranMs?: number } {
  return seconds === undefined ? {} : { ranMs: seconds * 1_000 };
}

/** Reads an answer about the job of a key; undefined when the service positively denies that there is one. */
export function readJob(answer: Answer, key: string): JobMessage | undefined {
  if (answer.status === 200 || answer.status === 201) {
    const message = parse(jobMessage, answer);
    if (message.key !== key)
      throw protocolFault(`the answer is about another key, ${message.key.slice(0, 12)}`, answer.url);
    return message;
  }
  if (denies(answer)) return undefined;
  throw refusal(answer);
}

/** The answer in the form of a schema, or `E_TRAINER_PROTOCOL` with the places that are not; a wrong manifest has codes of its own. */
export function parse<T>(schema: z.ZodType<T>, { body, url }: Answer): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  if (result.error.issues.every(({ path }) => path[0] === 'manifest'))
    throw new SlipwayError(manifestFaults(result.error, url, 1));
  const issues = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${pointer(path)} ${printable(message, 160)}`);
  throw protocolFault(`the answer is not of the protocol: ${issues.join('; ')}`, url);
}

/** Somebody else's 404 (a proxy's, a wrong path's) denies nothing: the service says so in its own words. */
export function denies(answer: Answer): boolean {
  if (answer.status !== 404) return false;
  const parsed = refusalMessage.safeParse(answer.body);
  return parsed.success && parsed.data.faults[0]?.code === 'E_TRAINER_JOB';
}

/** What the service says against a request. */
export function refusal(answer: Answer): SlipwayError {
  const { status, url } = answer;
  if (status === 401 || status === 403) {
    const message = `the service answers ${status}: the token is missing, wrong or has not the right`;
    const fix = 'Set the reference `token` of this trainer in slipway.config.ts to one that may start jobs.';
    return new SlipwayError({ code: 'E_TRAINER_ACCESS', where: url, message, fix }, exitCodes.permission);
  }
  if (status === 404) return unavailable('something answers 404, and not in the words of the service', url);
  if (status === 405) return protocolFault('the service answers 405', url);
  const told = parse(refusalMessage, answer).faults.map((fault): Fault => {
    return {
      code: 'E_TRAINER_SPEC',
      where: url,
      message: `the service refuses the job (${status} ${fault.code}${fault.where === undefined ? '' : ` ${printable(fault.where)}`}): ${printable(fault.message, 400)}`,
      fix: printable(fault.fix ?? 'See what the service allows.', 200),
    };
  });
  if (status === 409) return new SlipwayError(told.map((fault) => ({ ...fault, code: 'E_IDEMPOTENCY_MISMATCH' })));
  if (status === 400 || status === 413 || status === 415 || status === 422) return new SlipwayError(told);
  return protocolFault(`the service answers ${status}`, url);
}

/** The message, or `E_TRAINER_PROTOCOL` when it is about another job than the one that was started. */
export function checkJob(message: JobMessage, handle: JobHandle, where: string): JobMessage {
  if (message.job !== handle.job) throw protocolFault(`the answer is about another job, ${message.job}`, where);
  return message;
}

/** Whether a message says that the job goes on, or waits to begin. */
export function runs({ phase }: JobMessage): boolean {
  return phase === 'queued' || phase === 'running';
}

/** Whether a message tells how the job ended, which nothing changes any more. */
export function hasEnded({ phase }: JobMessage): boolean {
  return phase === 'succeeded' || phase === 'failed';
}

/** The state of a job that the service denies. */
export function denied(url: string, key: string): JobState {
  return { phase: 'lost', reason: `${url} says that it has no job of key ${key.slice(0, 12)}` };
}

/** Remembers how far each job was, so that an answer that goes back is not believed. */
export class Advances {
  readonly #seen = new Map<string, JobMessage['phase']>();

  /** Throws `E_TRAINER_PROTOCOL` when the job is not the one that was started, or was further already. */
  check(message: JobMessage, handle: JobHandle, where: string): JobMessage {
    checkJob(message, handle, where);
    const before = this.#seen.get(handle.key);
    if (before !== undefined && goesBack(before, message.phase)) {
      throw protocolFault(`the job was ${before} and is said to be ${message.phase} now`, where);
    }
    this.#seen.delete(handle.key);
    this.#seen.set(handle.key, message.phase);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > 10_000 && oldest !== undefined) this.#seen.delete(oldest);
    return message;
  }
}

/** `lost` may turn out to be wrong; an end may not. */
function goesBack(before: JobMessage['phase'], now: JobMessage['phase']): boolean {
  if (before === 'succeeded' || before === 'failed') return now !== before;
  return before === 'running' && now === 'queued';
}

function checkedMetrics(metrics: unknown, where: string) {
  const result = metricsMessage.safeParse(metrics);
  if (result.success) return result.data;
  throw new SlipwayError(
    result.error.issues.slice(0, 10).map((issue): Fault => {
      return {
        code: 'E_METRIC_INVALID',
        where: `${where} /manifest/metrics${pointer(issue.path)}`,
        message: printable(issue.message, 160),
        fix: 'Write finite numbers, or one level of named ones, to metrics.json.',
      };
    }),
  );
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((step) => pointerStep(String(step))).join('');
}
