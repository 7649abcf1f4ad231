import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

import type { StoreAccess } from '../../job-launcher/job-options.js';
import { durationMs } from '../../../plan/duration.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import type { OpenContext } from '../../open-context.js';
import type { Store } from '../../store/port.js';
import type { JobSpec, Trainer } from '../port.js';
import { jobDocument, parseJobOptions, sealedVariables } from './job-document.js';
import { jobName, keyOf } from './job-name.js';
import { type RayJob, rayJob, readState, stateOf } from './job-state.js';
import { type Answer, ask, denies, type JobsApi, lastLine, parse, protocolFault, unavailable } from './jobs-api.js';
import type { RayTrainerOptions } from './options.js';
import { listJobs } from './list-jobs.js';
import { upload, workingDirectory } from './package.js';
import { readLog } from './read-log.js';
import { submission } from './submission.js';

/** 64 MiB of output, as JSON writes it at worst. */
const mostLogBytes = 400 * 1024 * 1024;
/** A job whose stop was asked for gets so long to end: the node's side needs a few seconds, a pending job its resources. */
const stopMs = 60_000;
const stopPollMs = 300;

interface Cluster {
  options: RayTrainerOptions;
  context: OpenContext;
  /** Where the launcher writes how its job fares. */
  store: Store;
  access: StoreAccess;
  environment: string;
  api: JobsApi;
}

/**
 * Opens the trainer that runs jobs on a Ray cluster through its Jobs API. `store` is the one that jobs
 * write to: the launcher tells there how they fare.
 *
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later, `E_TRAINER_PROTOCOL` for answers that are not Ray's,
 * `E_TRAINER_ACCESS` (77) when the token is refused, `E_TRAINER_SPEC` when the job is.
 *
 * @param environment the name of the environment, which jobs carry; default none
 */
export function openRayTrainer(
  options: RayTrainerOptions,
  context: OpenContext,
  store: Store,
  environment = '',
): Trainer {
  if (options.store === undefined) throw storeMissing();
  const token = () => (options.token === undefined ? undefined : context.secret(options.token));
  const api: JobsApi = { url: options.url, timeoutMs: durationMs(options.timeout), token };
  const cluster: Cluster = { options, context, store, access: options.store, environment, api };
  return {
    adapter: 'ray',
    pollMs: 2_000,
    find: async (key, signal) => {
      const job = jobName(key);
      return (await look(cluster, job, signal)) === undefined ? 'absent' : { job };
    },
    start: async (job, key, signal) => start(cluster, job, key, signal),
    poll: async (job, signal) => {
      keyOf(job);
      const found = await look(cluster, job, signal);
      if (found === undefined) return { phase: 'lost', reason: `${options.url} says that it has no job ${job}` };
      return stateOf(found, await readState(found, store));
    },
    stop: async (job) => stop(cluster, job),
    logs: async (job, range = {}, signal) => {
      keyOf(job);
      const path = `/api/jobs/${job}/logs`;
      const answer = await ask(api, { method: 'GET', path, signal, mostBytes: mostLogBytes });
      if (denies(answer, job)) return { text: '', next: range.from ?? 0 };
      return readLog(parse(z.object({ logs: z.string() }), answer).logs, range);
    },
    list: (owner) => listJobs(api, owner),
  };
}

/** The job as Ray knows it; undefined when Ray positively denies that there is one. */
async function look({ api }: Cluster, job: string, signal?: AbortSignal): Promise<RayJob | undefined> {
  const answer = await ask(api, { method: 'GET', path: `/api/jobs/${job}`, signal });
  if (denies(answer, job)) return undefined;
  if (answer.status === 404) throw unavailable('something answers 404, and not in the words of Ray', answer.url);
  const found = parse(rayJob, answer);
  if (found.submission_id !== job) throw protocolFault(`the answer is about job ${found.submission_id}`, answer.url);
  return found;
}

async function start(c: Cluster, job: JobSpec, key: string, signal?: AbortSignal): Promise<string> {
  const name = jobName(key);
  const jobOptions = parseJobOptions(job);
  if ((await look(c, name, signal)) !== undefined) return name;
  const sealed = await sealedVariables(job, key, c.options, c.access, c.context, signal);
  const content = await workingDirectory(jobDocument(job, key, c.options, c.access, jobOptions), sealed);
  const uri = await upload(c.api, content, signal);
  const body = submission(job, key, uri, c.environment, c.options, jobOptions);
  const answer = await ask(c.api, { method: 'POST', path: '/api/jobs/', body, signal });
  // Somebody else's start of the same key was first.
  if (answer.status === 400 && (await look(c, name, signal)) !== undefined) return name;
  if (answer.status === 400) throw refused(answer, job);
  const started = parse(z.object({ submission_id: z.string() }), answer);
  if (started.submission_id !== name)
    throw protocolFault(`the cluster names the job ${started.submission_id}`, answer.url);
  return name;
}

/** Returns when the job has ended: Ray only takes note of a stop, and forgets it while the job is just being started. */
async function stop(c: Cluster, job: string): Promise<void> {
  keyOf(job);
  for (const until = Date.now() + stopMs; ; await sleep(stopPollMs)) {
    const answer = await ask(c.api, { method: 'POST', path: `/api/jobs/${job}/stop` });
    if (denies(answer, job)) return;
    parse(z.object({ stopped: z.boolean() }), answer);
    const found = await look(c, job);
    if (found === undefined || (found.status !== 'PENDING' && found.status !== 'RUNNING')) return;
    if (Date.now() > until) throw unavailable(`job ${job} is ${found.status} ${stopMs} ms after its stop`, answer.url);
  }
}

function refused({ text, url }: Answer, job: JobSpec): SlipwayError {
  return new SlipwayError({
    code: 'E_TRAINER_SPEC',
    where: `${url} ${job.identity.stage}`,
    message: `Ray refuses the job: ${lastLine(text)}`,
    fix: "See the stage's `resources` and the options of its trainer.",
  });
}

function storeMissing(): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TRAINER_ENVIRONMENT',
      message: 'the Ray trainer was not told how jobs reach the store',
      fix: 'Open it through the configuration, which fills `store` in.',
    },
    exitCodes.configuration,
  );
}
