import { setTimeout as sleep } from 'node:timers/promises';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { checkedName, keyOfName, nameOfKey } from '../../job-launcher/job-name.js';
import { parseStateFile } from '../../job-launcher/state-file.js';
import { readStoredLog } from '../../job-launcher/stored-log.js';
import type { OpenContext } from '../../open-context.js';
import type { Store } from '../../store/port.js';
import type { JobSpec, JobState, LogRange, Trainer } from '../port.js';
import { connect, type Connection } from './connection.js';
import { isAbsent, isEnded, isTaken, sagemakerFault } from './faults.js';
import { documentOutputs, jobDocument } from './job-document.js';
import { placesOf } from './places.js';
import { jobRequest } from './job-request.js';
import { type Description, hasEnded, protocolFault, stateOf } from './job-state.js';
import { listJobs } from './list-jobs.js';
import type { SagemakerTrainerOptions } from './options.js';
import { readContainerLog } from './read-log.js';

/** A manifest of 10,000 files with long names fits. */
const mostBytes = 32 * 1024 * 1024;
const defaultLogBytes = 8 * 1024;
/** SageMaker gives a container two minutes to end; a stop that takes longer than this is asked for again. */
const stopMs = 150_000;
const stopPollMs = 1_000;

interface Site {
  options: SagemakerTrainerOptions;
  store: Store;
  environment: string;
  connected(): Promise<Connection>;
  /** Where jobs store, by name: it never changes. */
  outputs: Map<string, string>;
}

/**
 * Opens the trainer that runs jobs as training jobs of Amazon SageMaker, in the region of the options. Jobs and adapter
 * write to each other below `sagemaker/` of the store, which must be one that SageMaker reads: S3. Nothing is loaded or
 * sent before the first call.
 *
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later, `E_TRAINER_ACCESS` (77) when a right is missing,
 * `E_TRAINER_SPEC` when SageMaker refuses the job, `E_SECRET_REF` (78) for a secret that it cannot reach.
 *
 * @param environment whose jobs they are, for `list`
 */
export function openSagemakerTrainer(
  options: SagemakerTrainerOptions,
  context: OpenContext,
  store: Store,
  environment = '',
): Trainer {
  let connection: Promise<Connection> | undefined;
  const site: Site = {
    options,
    store,
    environment,
    outputs: new Map(),
    connected: () => {
      connection ??= connect(options, context).catch((error: unknown) => {
        connection = undefined;
        throw error;
      });
      return connection;
    },
  };
  return {
    adapter: 'sagemaker',
    // DescribeTrainingJob is throttled for the whole account.
    pollMs: 15_000,
    find: async (key, signal) => {
      const name = nameOfKey(key);
      return (await describe(site, name, signal)) === undefined ? 'absent' : { job: name };
    },
    start: async (job, key, signal) => start(site, job, key, signal),
    poll: async (job, signal) => poll(site, checkedName(job, 'SageMaker'), signal),
    stop: async (job) => stop(site, checkedName(job, 'SageMaker')),
    list: async (owner) => listJobs(await site.connected(), store, options.region, owner),
    logs: async (job, range = {}) => logs(site, checkedName(job, 'SageMaker'), range),
  };
}

async function start(site: Site, job: JobSpec, key: string, signal?: AbortSignal): Promise<string> {
  const name = nameOfKey(key);
  if (!job.outputs.startsWith('s3://')) throw storeFault(job.outputs);
  const document = JSON.stringify(jobDocument(job, key, site));
  const request = jobRequest(job, key, site.options, site.store);
  // Its document must stay as it was: the container may be about to read it.
  if ((await describe(site, name, signal)) !== undefined) return name;
  await site.store.put(placesOf(name).document, new TextEncoder().encode(document), signal ? { signal } : {});
  const { sagemaker, keys } = await site.connected();
  const { sdk, client } = sagemaker;
  try {
    await client.send(new sdk.CreateTrainingJobCommand(request), signal ? { abortSignal: signal } : {});
  } catch (error) {
    if (!isTaken(error)) throw sagemakerFault(error, 'starting', name, keys);
  }
  return name;
}

async function describe(site: Site, name: string, signal?: AbortSignal): Promise<Description | undefined> {
  const { sagemaker, keys } = await site.connected();
  const { sdk, client } = sagemaker;
  try {
    const command = new sdk.DescribeTrainingJobCommand({ TrainingJobName: name });
    return await client.send(command, signal ? { abortSignal: signal } : {});
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw sagemakerFault(error, 'asking', name, keys);
  }
}

async function poll(site: Site, name: string, signal?: AbortSignal): Promise<JobState> {
  // Asked first: a job that ends in between has stored its last state by then.
  const found = await describe(site, name, signal);
  if (found === undefined) {
    return { phase: 'lost', reason: `SageMaker says that it has no training job ${name} in ${site.options.region}` };
  }
  const key = placesOf(name).state;
  const stored = await site.store.read(key, { limitBytes: mostBytes });
  const where = site.store.uri(key);
  const text = stored && new TextDecoder().decode(stored.body);
  return stateOf(found, text === undefined ? undefined : parseStateFile(text, keyOfName(name), where), where);
}

/** Returns when SageMaker says that the job has ended. */
async function stop(site: Site, name: string): Promise<void> {
  const found = await describe(site, name);
  if (found === undefined || hasEnded(found)) return;
  const { sagemaker, keys } = await site.connected();
  const { sdk, client } = sagemaker;
  try {
    await client.send(new sdk.StopTrainingJobCommand({ TrainingJobName: name }));
  } catch (error) {
    if (!isEnded(error) && !isAbsent(error)) throw sagemakerFault(error, 'stopping', name, keys);
  }
  for (const until = Date.now() + stopMs; ; await sleep(stopPollMs)) {
    const now = await describe(site, name);
    if (now === undefined || hasEnded(now)) return;
    if (Date.now() > until) {
      const message = `still ${now.SecondaryStatus ?? 'runs'} ${stopMs / 1000} s after its stop`;
      const fix = 'It is stopped again; see the training job in the console.';
      throw new SlipwayError({ code: 'E_UNAVAILABLE', where: name, message, fix }, exitCodes.temporary);
    }
  }
}

async function logs(site: Site, name: string, range: LogRange): Promise<{ text: string; next: number }> {
  const outputs = await outputsOf(site, name);
  const from = range.from;
  const found = outputs === undefined ? { text: '', next: from ?? 0 } : await readStoredLog(site.store, outputs, range);
  if (from !== undefined || found.text !== '') return found;
  // Nothing of the command yet: what its container says may tell why.
  const { region } = site.options;
  const link = `https://${region}.console.aws.amazon.com/sagemaker/home?region=${region}#/jobs/${name}`;
  const bytes = range.bytes ?? defaultLogBytes;
  return { text: await readContainerLog(await site.connected(), name, bytes, link), next: 0 };
}

async function outputsOf(site: Site, name: string): Promise<string | undefined> {
  const known = site.outputs.get(name);
  if (known !== undefined) return known;
  const key = placesOf(name).document;
  const stored = await site.store.read(key, { limitBytes: mostBytes });
  if (stored === undefined) return undefined;
  const parsed = documentOutputs.safeParse(JSON.parse(new TextDecoder().decode(stored.body)) as unknown);
  if (!parsed.success) throw protocolFault(site.store.uri(key), 'is no description of a job');
  site.outputs.set(name, parsed.data.launcher.outputs);
  return parsed.data.launcher.outputs;
}

function storeFault(outputs: string): SlipwayError {
  return new SlipwayError({
    code: 'E_TRAINER_SPEC',
    where: printable(outputs, 200),
    message: 'SageMaker reaches no files of this machine',
    fix: 'Use a `store` on Amazon S3 in this environment.',
  });
}
