import { durationMs } from '../../../plan/duration.js';
import { checkedName, keyOfName } from '../../job-launcher/job-name.js';
import type { OpenContext } from '../../open-context.js';
import { type Api, type Ask, openApi } from './api.js';
import type { JobOwner } from '../port.js';
import { isAbsent, isForbidden, isTaken, notKubernetes, ok, refusal } from './faults.js';
import { ownedBy } from './job-manifest.js';
import { containerName, jobLabel, keyAnnotation, ownerLabels } from './job-name.js';
import { ownCluster, readKubeconfig } from './kubeconfig.js';
import { listJobs } from './list-jobs.js';
import { type KubernetesJob, parseEvents, parseJob, parsePods, type Pod } from './objects.js';
import type { KubernetesTrainerOptions } from './options.js';

/** The objects of one namespace, as far as jobs need them. Calls throw what `Api` and `refusal` say. */
export interface Cluster {
  job(name: string, signal?: AbortSignal): Promise<{ job: KubernetesJob | undefined; at: number }>;
  /** Our Jobs, of one owner. */
  jobs(owner: JobOwner): Promise<KubernetesJob[]>;
  pods(name: string, signal?: AbortSignal): Promise<Pod[]>;
  /** Makes the Job, or finds that it is there; it is that of the same key. */
  createJob(name: string, manifest: object, signal?: AbortSignal): Promise<KubernetesJob>;
  /** Makes the Secret, or leaves the one that is there. */
  createSecret(name: string, manifest: object, signal?: AbortSignal): Promise<void>;
  /** Gives the Secret of a Job, if there is one, to that Job. */
  ownSecret(job: KubernetesJob, signal?: AbortSignal): Promise<void>;
  deleteSecret(name: string): Promise<void>;
  /** Asks for the end of a Job with all that it owns. */
  deleteJob(name: string): Promise<void>;
  deletePod(name: string): Promise<void>;
  /** What a pod wrote last; empty while it has written nothing. */
  log(pod: string, bytes: number, signal?: AbortSignal): Promise<string>;
  /** Why Kubernetes makes no pod, in its own words; empty where it does not say or they may not be read. */
  warnings(name: string, signal?: AbortSignal): Promise<string>;
}

/** Opens the cluster that the options name. Nothing is read or sent before the first call. */
export function openCluster(options: KubernetesTrainerOptions, context: OpenContext): Cluster {
  let opened: Promise<Api> | undefined;
  const open = async (): Promise<Api> => {
    const { kubeconfig } = options;
    const access =
      kubeconfig === undefined
        ? await ownCluster()
        : await readKubeconfig(context.secret(kubeconfig), options.context, kubeconfig, context.root);
    return openApi(access, durationMs(options.timeout));
  };
  const by = options.kubeconfig === undefined ? "the service account of the worker's pod" : options.kubeconfig;
  const ask: Ask = async (call) => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return { ...(await (await opened)(call)), by };
  };
  const jobs = `/apis/batch/v1/namespaces/${options.namespace}/jobs`;
  const core = `/api/v1/namespaces/${options.namespace}`;
  return { ...jobCalls(ask, jobs), ...secretCalls(ask, `${core}/secrets`), ...podCalls(ask, core) };
}

function jobCalls(ask: Ask, at: string): Pick<Cluster, 'job' | 'jobs' | 'createJob' | 'deleteJob'> {
  const job: Cluster['job'] = async (name, signal) => {
    const answer = await ask({ method: 'GET', path: `${at}/${name}`, signal });
    if (isAbsent(answer, name)) return { job: undefined, at: answer.at };
    return { job: parseJob(ok(answer, 'reading the Job', name), name), at: answer.at };
  };
  return {
    job,
    jobs: (owner) => listJobs(ask, at, selector(ownerLabels(owner))),
    async createJob(name, manifest, signal) {
      const answer = await ask({ method: 'POST', path: at, body: manifest, signal });
      if (!isTaken(answer)) return parseJob(ok(answer, 'making the Job', name), name);
      const { job: found } = await job(name, signal);
      // Removed between the two: the caller is asked again.
      if (found === undefined) throw refusal(answer, 'making the Job', name);
      if (!found.metadata.annotations[keyAnnotation]?.startsWith(keyOfName(name)))
        throw notKubernetes(`the Job ${name} is not ours`, at);
      return found;
    },
    async deleteJob(name) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' };
      const answer = await ask({ method: 'DELETE', path: `${at}/${checkedName(name, 'Kubernetes')}`, body });
      if (!isAbsent(answer, name)) ok(answer, 'deleting the Job', name);
    },
  };
}

function secretCalls(ask: Ask, at: string): Pick<Cluster, 'createSecret' | 'ownSecret' | 'deleteSecret'> {
  return {
    async createSecret(name, manifest, signal) {
      const answer = await ask({ method: 'POST', path: at, body: manifest, signal });
      if (!isTaken(answer)) ok(answer, 'making the Secret', name);
    },
    async ownSecret({ metadata: { name, uid } }, signal) {
      const answer = await ask({ method: 'PATCH', path: `${at}/${name}`, body: ownedBy(name, uid), signal });
      if (!isAbsent(answer, name)) ok(answer, 'giving the Secret to its Job', name);
    },
    async deleteSecret(name) {
      const answer = await ask({ method: 'DELETE', path: `${at}/${checkedName(name, 'Kubernetes')}` });
      // Who may not delete Secrets has made none.
      if (!isAbsent(answer, name) && !isForbidden(answer)) ok(answer, 'deleting the Secret', name);
    },
  };
}

function podCalls(ask: Ask, core: string): Pick<Cluster, 'pods' | 'deletePod' | 'log' | 'warnings'> {
  return {
    async pods(name, signal) {
      const path = `${core}/pods?${selector({ [jobLabel]: name })}`;
      return parsePods(ok(await ask({ method: 'GET', path, signal }), 'listing pods', name), name).items;
    },
    async deletePod(name) {
      const answer = await ask({ method: 'DELETE', path: `${core}/pods/${name}` });
      if (!isAbsent(answer, name)) ok(answer, 'deleting the pod', name);
    },
    async log(pod, bytes, signal) {
      const path = `${core}/pods/${pod}/log?container=${containerName}&tailLines=200&limitBytes=1048576`;
      const answer = await ask({ method: 'GET', path, text: true, signal });
      // 400: its container has not started; 404: it is gone.
      if (answer.status === 400 || answer.status === 404) return '';
      return String(ok(answer, 'reading the log', pod)).slice(-bytes);
    },
    async warnings(name, signal) {
      const field = encodeURIComponent(`involvedObject.name=${name},type=Warning`);
      const answer = await ask({ method: 'GET', path: `${core}/events?fieldSelector=${field}&limit=50`, signal });
      if (isForbidden(answer)) return '';
      const { items } = parseEvents(ok(answer, 'listing events', name), name);
      return [...new Set(items.map(({ reason, message }) => `${reason}: ${message}`))].slice(-3).join('; ');
    },
  };
}

function selector(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return `labelSelector=${encodeURIComponent(pairs.join(','))}`;
}
