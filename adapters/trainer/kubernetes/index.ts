import { setTimeout as sleep } from 'node:timers/promises';

import { checkedName, nameOfKey } from '../../job-launcher/job-name.js';
import type { StoreAccess } from '../../job-launcher/job-options.js';
import { durationMs } from '../../../plan/duration.js';
import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { readStoredLog } from '../../job-launcher/stored-log.js';
import type { OpenContext } from '../../open-context.js';
import type { Store } from '../../store/port.js';
import { belongsTo } from '../owner.js';
import type { JobFailure, JobOwner, JobSpec, JobState, LogRange, OwnedJob, Trainer } from '../port.js';
import { type Cluster, openCluster } from './cluster.js';
import { jobDocument } from './job-document.js';
import { documentKey, jobManifest, secretManifest } from './job-manifest.js';
import { hasSecret, ownerOf } from './job-name.js';
import { containerSecrets } from './container-secrets.js';
import { hasEnded, judge } from './job-state.js';
import type { KubernetesJob } from './objects.js';
import type { KubernetesTrainerOptions } from './options.js';
import { describePod, isLiving } from './pod-state.js';
import { noteEnd, noteOutputs, readEnd, readOutputs, readTold } from './told.js';

const defaultLogBytes = 8 * 1024;
/** Pods have 60 s between the two signals; a stop that takes longer than this is asked for again. */
const stopMs = 120_000;
const slowestStopPollMs = 2_000;
const stopped: JobFailure = { code: 'E_TRAINER_CANCELLED', message: 'the job was stopped', transient: false };

/** Its Jobs say whose they are. */
export type KubernetesTrainer = Trainer & Required<Pick<Trainer, 'list'>>;

interface Site {
  options: KubernetesTrainerOptions;
  access: StoreAccess;
  context: OpenContext;
  store: Store;
  environment: string;
  cluster: Cluster;
  /** Where jobs store, by name: it never changes. */
  outputs: Map<string, string>;
}

/**
 * Opens the trainer that runs jobs as Jobs of Kubernetes. Jobs and adapter write to each other below `kubernetes/` of the
 * store, which must be one that pods reach: S3. Nothing is read or sent before the first call.
 *
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later, `E_TRAINER_ACCESS` (77) when a right is missing,
 * `E_TRAINER_SPEC` when Kubernetes refuses the job, `E_TRAINER_ENVIRONMENT` (78) for a kubeconfig that cannot be used.
 *
 * @param environment the name of the environment, for labels
 */
export function openKubernetesTrainer(
  options: KubernetesTrainerOptions,
  context: OpenContext,
  store: Store,
  environment: string,
): KubernetesTrainer {
  const access = options.store ?? store.access();
  const cluster = openCluster(options, context);
  const site: Site = { options, access, context, store, environment, cluster, outputs: new Map() };
  return {
    adapter: 'kubernetes',
    find: async (key, signal) => find(site, nameOfKey(key), signal),
    start: async (job, key, signal) => start(site, job, key, signal),
    poll: async (job, signal) => poll(site, checkedName(job, 'Kubernetes'), signal),
    stop: async (job) => stop(site, checkedName(job, 'Kubernetes')),
    logs: async (job, range = {}, signal) => logs(site, checkedName(job, 'Kubernetes'), range, signal),
    list: (owner) => list(site, owner),
  };
}

/** A job is known by its Job, by a pod that outlives it, or by its end. */
async function find(site: Site, name: string, signal?: AbortSignal): ReturnType<Trainer['find']> {
  const { cluster, store } = site;
  const { job } = await cluster.job(name, signal);
  if (job !== undefined) {
    // Whoever made it may have died before this.
    if (hasSecret(job.metadata.annotations)) await cluster.ownSecret(job, signal).catch(unlessFinal);
    return { job: name };
  }
  if ((await cluster.pods(name, signal)).some(isLiving)) return { job: name };
  const told = await readTold(store, name);
  const ended = told?.phase === 'succeeded' || told?.phase === 'failed' || (await readEnd(store, name)) !== undefined;
  return ended ? { job: name } : 'absent';
}

async function start(site: Site, job: JobSpec, key: string, signal?: AbortSignal): Promise<string> {
  const { options, access, context, store, environment, cluster } = site;
  const name = nameOfKey(key);
  if (!job.outputs.startsWith('s3://')) throw storeFault(job.outputs);
  const document = jobDocument(job, key, options, access);
  const { variables, data } = await containerSecrets(name, job, options, access, context, signal);
  if ((await find(site, name, signal)) === 'absent') {
    await store.put(documentKey(name, document), document.bytes, signal ? { signal } : {});
    await noteOutputs(store, name, job.outputs);
    if (data !== null) await cluster.createSecret(name, secretManifest(job, key, environment, data), signal);
    const parts = { options, environment, store, access, document, variables, secret: data !== null };
    const made = await create(site, name, jobManifest(job, key, parts), signal);
    if (data !== null) await own(site, made, signal);
    // One that was stopped while it was being started must not live on.
    const end = await readEnd(store, name);
    if (end !== undefined) await endJob(site, name, end);
  }
  return name;
}

async function create({ cluster }: Site, name: string, manifest: object, signal?: AbortSignal) {
  try {
    return await cluster.createJob(name, manifest, signal);
  } catch (error) {
    // One that Kubernetes does not take leaves nothing behind.
    if (isFinal(error)) await cluster.deleteSecret(name);
    throw error;
  }
}

/** Gives a Job its Secret. A Job that may not have it does not live on: nobody would remove its secrets. */
async function own(site: Site, job: KubernetesJob, signal?: AbortSignal): Promise<void> {
  try {
    await site.cluster.ownSecret(job, signal);
  } catch (error) {
    if (isFinal(error)) {
      const { code, message } = error.faults[0] ?? error;
      await endJob(site, job.metadata.name, { code, message, transient: false });
    }
    throw error;
  }
}

function isFinal(error: unknown): error is SlipwayError {
  return error instanceof SlipwayError && error.exitCode !== exitCodes.temporary;
}

function unlessFinal(error: unknown): void {
  if (!isFinal(error)) throw error;
}

async function poll(site: Site, name: string, signal?: AbortSignal): Promise<JobState> {
  const { cluster, store, options } = site;
  // Asked first: a job that ends in between has stored its last state by then.
  const { job, at } = await cluster.job(name, signal);
  const pods = await cluster.pods(name, signal);
  const told = await readTold(store, name);
  const over = hasEnded({ job, pods });
  const end = over ? await readEnd(store, name) : undefined;
  // The Job is kept for people to look at; its secrets are not.
  if (over && job !== undefined && hasSecret(job.metadata.annotations)) await cluster.deleteSecret(name);
  const state = judge({ job, pods, told, end, at, placeMs: durationMs(options.startTimeout) });
  if (state.phase === 'hopeless') {
    const failure = pods.length > 0 ? state.failure : await withWarnings(site, name, state.failure, signal);
    await endJob(site, name, failure);
    return { phase: 'failed', failure };
  }
  if (state.phase !== 'running' || pods.length > 0 || job === undefined) return state;
  const warnings = await cluster.warnings(name, signal);
  return warnings === '' ? state : { ...state, note: `${state.note}, ${printable(warnings, 500)}` };
}

async function withWarnings({ cluster }: Site, name: string, failure: JobFailure, signal?: AbortSignal) {
  const warnings = await cluster.warnings(name, signal);
  return warnings === ''
    ? failure
    : { ...failure, message: `${failure.message}; Kubernetes says ${printable(warnings, 800)}` };
}

/** A job that has ended keeps its result. */
async function stop(site: Site, name: string): Promise<void> {
  const { job } = await site.cluster.job(name);
  const pods = await site.cluster.pods(name);
  if (hasEnded({ job, pods })) {
    const told = await readTold(site.store, name);
    if (job !== undefined || told?.phase === 'succeeded' || told?.phase === 'failed') return;
  }
  await endJob(site, name, stopped);
}

/** Returns when Kubernetes says that the Job and its pods are gone. */
async function endJob({ cluster, store }: Site, name: string, failure: JobFailure): Promise<void> {
  await noteEnd(store, name, failure);
  await cluster.deleteJob(name);
  await cluster.deleteSecret(name);
  const until = Date.now() + stopMs;
  for (let pause = 250; ; pause = Math.min(pause * 1.5, slowestStopPollMs)) {
    const { job } = await cluster.job(name);
    const pods = (await cluster.pods(name)).filter(isLiving);
    if (job === undefined && pods.length === 0) return;
    if (Date.now() > until) throw stillThere(name, pods.map(describePod).join('; ') || 'the Job is being deleted');
    // A Job that somebody removed without its pods.
    if (job === undefined) {
      for (const { metadata } of pods.filter((pod) => !pod.metadata.deletionTimestamp))
        await cluster.deletePod(metadata.name);
    }
    await sleep(pause);
  }
}

async function logs(site: Site, name: string, range: LogRange, signal?: AbortSignal) {
  const { cluster, store } = site;
  const outputs = site.outputs.get(name) ?? (await readOutputs(store, name));
  if (outputs !== undefined) site.outputs.set(name, outputs);
  const { from, bytes = defaultLogBytes } = range;
  const found = outputs === undefined ? { text: '', next: from ?? 0 } : await readStoredLog(store, outputs, range);
  if (from !== undefined || found.text !== '') return found;
  // Nothing of the command yet: what its container says may tell why.
  const pod = (await cluster.pods(name, signal)).at(-1);
  const text = pod && (await cluster.log(pod.metadata.name, bytes, signal));
  return { text: printable(text ?? '', bytes), next: 0 };
}

async function list({ cluster, options }: Site, owner: JobOwner): Promise<OwnedJob[]> {
  const jobs = (await cluster.jobs(owner)).map((found) => {
    const { name: job, annotations } = found.metadata;
    const endWith = `kubectl delete job ${job} --namespace ${options.namespace} --cascade=foreground`;
    return { job, ...ownerOf(annotations), ended: hasEnded({ job: found, pods: [] }), endWith };
  });
  // Labels are cut and cleaned, annotations are not.
  return jobs.filter((job) => belongsTo(job, owner));
}

function stillThere(name: string, what: string): SlipwayError {
  const message = `still there ${stopMs / 1000} s after its deletion: ${what}`;
  const fix = 'It is deleted again. A pod on a node that is gone stays until the node is removed from the cluster.';
  return new SlipwayError({ code: 'E_UNAVAILABLE', where: name, message, fix }, exitCodes.temporary);
}

function storeFault(outputs: string): SlipwayError {
  return new SlipwayError({
    code: 'E_TRAINER_SPEC',
    where: printable(outputs, 200),
    message: 'pods reach no files of this machine',
    fix: 'Use a `store` on S3 in this environment.',
  });
}
