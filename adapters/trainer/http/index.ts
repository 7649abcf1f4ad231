import { setTimeout as sleep } from 'node:timers/promises';

import { durationMs } from '../../../plan/duration.js';
import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { OpenContext } from '../../open-context.js';
import type { JobState, Trainer } from '../port.js';
import { ask, type Connection } from './connection.js';
import { exchange, protocolFault, type Service, unavailable } from './exchange.js';
import type { Inbox } from './inbox.js';
import { jobSecrets } from '../../job-secrets.js';
import { jobDocument } from './job-document.js';
import { checkedKey, formatHandle, type JobHandle, parseHandle } from './job-handle.js';
import { Advances, checkJob, denied, denies, parse, readJob, refusal, runs, stateOf } from './job-state.js';
import { logMessage } from './messages.js';
import type { HttpTrainerOptions } from './options.js';
import { findPushed, pollPushed, runsPushed } from './pushed.js';
import { Silences } from './silences.js';

/** A service may let jobs wait before they run, and need not keep their time limit. */
const overrunMs = 24 * 60 * 60_000;

const defaultLogBytes = 8 * 1024;
const mostLogBytes = 1024 * 1024;
/** A service that has taken a stop gets so long to end all processes of the job. */
const stopMs = 60_000;
const stopPollMs = 200;

/**
 * Opens the trainer that runs jobs on a service which speaks the protocol of `trainers/http-server/openapi.json`.
 * `inbox` holds what the service pushed; needed when the options name a `callback`.
 *
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later, `E_TRAINER_PROTOCOL` for answers that nobody should
 * believe, `E_TRAINER_ACCESS` (77) when the token is refused, `E_TRAINER_SPEC` when the job is.
 */
export function openHttpTrainer(options: HttpTrainerOptions, context: OpenContext, inbox?: Inbox): Trainer {
  const service: Service = {
    url: options.url,
    networks: options.networks,
    timeoutMs: durationMs(options.timeout),
    token: () => (options.token === undefined ? undefined : context.secret(options.token)),
  };
  if (options.callback !== undefined && inbox === undefined) throw inboxMissing();
  const c: Connection = {
    options,
    context,
    inbox: options.callback === undefined ? undefined : inbox,
    advances: new Advances(),
    silences: new Silences(),
    ask: (call) => exchange(service, call),
    url: options.url,
  };
  return {
    adapter: 'http',
    pollMs: 2_000,
    overrunMs,
    find: async (key, signal) => find(c, checkedKey(key), signal),
    start: async (job, key, signal) => start(c, job, checkedKey(key), signal),
    poll: async (job, signal) => poll(c, parseHandle(job), signal),
    stop: async (job) => stop(c, parseHandle(job)),
    logs: async (job, range = {}, signal) => logs(c, parseHandle(job), range, signal),
  };
}

async function find(c: Connection, key: string, signal?: AbortSignal): ReturnType<Trainer['find']> {
  if (c.inbox !== undefined) return findPushed(c, c.inbox, key, signal);
  const found = await ask(c, key, signal);
  return found === undefined ? 'absent' : { job: formatHandle(found) };
}

async function start(
  c: Connection,
  job: Parameters<Trainer['start']>[0],
  key: string,
  signal?: AbortSignal,
): Promise<string> {
  const callback = c.inbox && `${c.options.callback?.url.replace(/\/+$/, '') ?? ''}${c.inbox.path}`;
  const secrets = await jobSecrets(job, c.context, signal);
  const body = JSON.stringify(jobDocument(job, key, secrets, callback));
  await c.inbox?.expect(key);
  const answer = await c.ask({
    method: 'PUT',
    path: `/jobs/${key}`,
    body,
    headers: { 'idempotency-key': key },
    signal,
  });
  const started = readJob(answer, key);
  if (started === undefined) throw protocolFault('the service takes a job and denies it', answer.url);
  await c.inbox?.named(key, started.job);
  return formatHandle(started);
}

async function poll(c: Connection, handle: JobHandle, signal?: AbortSignal): Promise<JobState> {
  if (c.inbox !== undefined) return pollPushed(c, c.inbox, handle, signal);
  const where = `${c.url} job ${handle.job}`;
  const message = await ask(c, handle.key, signal);
  if (message === undefined) return denied(c.url, handle.key);
  return stateOf(c.advances.check(message, handle, where), where);
}

/** Returns when the service says that the job has ended: what it took note of only might run on. */
async function stop(c: Connection, handle: JobHandle): Promise<void> {
  const answer = await c.ask({ method: 'POST', path: `/jobs/${handle.key}/stop` });
  const told = readJob(answer, handle.key);
  if (told === undefined || !runs(checkJob(told, handle, answer.url))) return;
  for (const until = Date.now() + stopMs; ; await sleep(stopPollMs)) {
    if (!(await runsStill(c, handle))) return;
    if (Date.now() > until) throw unavailable(`job ${handle.job} still runs ${stopMs} ms after its stop`, answer.url);
  }
}

async function runsStill(c: Connection, handle: JobHandle): Promise<boolean> {
  if (c.inbox !== undefined) return runsPushed(c, c.inbox, handle);
  return (await poll(c, handle)).phase === 'running';
}

async function logs(
  c: Connection,
  handle: JobHandle,
  { from, bytes = defaultLogBytes }: { from?: number; bytes?: number },
  signal?: AbortSignal,
): Promise<{ text: string; next: number }> {
  const query = new URLSearchParams({ bytes: String(Math.min(bytes, mostLogBytes)) });
  if (from !== undefined) query.set('from', String(from));
  const answer = await c.ask({ method: 'GET', path: `/jobs/${handle.key}/logs?${query}`, signal });
  if (denies(answer)) return { text: '', next: from ?? 0 };
  if (answer.status !== 200) throw refusal(answer);
  const part = parse(logMessage, answer);
  if (part.key !== handle.key || part.job !== handle.job) throw protocolFault('the log is of another job', answer.url);
  if (part.next < (from ?? 0)) throw protocolFault(`the log goes back from ${from} to ${part.next}`, answer.url);
  return { text: printable(part.text, mostLogBytes), next: part.next };
}

function inboxMissing(): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_CONFIG',
      message: 'the HTTP trainer was not told where pushed messages are kept',
      fix: 'Open it through the configuration.',
    },
    exitCodes.configuration,
  );
}
