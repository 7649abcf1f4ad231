import { nameOfKey } from '../../job-launcher/job-name.js';
import type { StoreAccess } from '../../job-launcher/job-options.js';
import { durationMs } from '../../../plan/duration.js';
import type { Store } from '../../store/port.js';
import type { JobSpec } from '../port.js';
import { type JobDocument, parseJobOptions } from './job-document.js';
import { containerName, marksOf, placesOf, secretAnnotation } from './job-name.js';
import type { SecretVariable } from './container-secrets.js';
import type { KubernetesTrainerOptions } from './options.js';
import { withoutUndefined } from '../../../plan/json.js';

/** Everything that a Job is made of besides the job itself. */
export interface ManifestParts {
  options: KubernetesTrainerOptions;
  environment: string;
  store: Store;
  access: StoreAccess;
  document: JobDocument;
  variables: SecretVariable[];
  /** It has a Secret of its own. */
  secret: boolean;
}

/** Where the container works. */
const root = '/slipway';
/** After SIGTERM the launcher ends the command, stores log and checkpoints, and tells. */
const graceSeconds = 60;

/**
 * The Job of a key. Its container runs the launcher, which reads what to do from the store; nothing of the job is in the
 * Job but names, sizes and whose it is.
 */
export function jobManifest(job: JobSpec, key: string, parts: ManifestParts): object {
  const { options } = parts;
  const name = nameOfKey(key);
  const own = marksOf(name, key, job, parts.environment);
  const marks = {
    labels: { ...options.labels, ...own.labels },
    annotations: {
      ...options.annotations,
      ...own.annotations,
      ...(parts.secret && { [secretAnnotation]: 'own' }),
    },
  };
  const podSeconds = Math.ceil((job.maxMs + durationMs(options.margin)) / 1000);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, ...marks },
    spec: {
      parallelism: 1,
      completions: 1,
      // Attempts are the stage's.
      backoffLimit: 0,
      activeDeadlineSeconds: podSeconds + Math.ceil(durationMs(options.startTimeout) / 1000),
      ttlSecondsAfterFinished: Math.ceil(durationMs(options.keep) / 1000),
      template: { metadata: marks, spec: podSpec(job, key, parts, podSeconds) },
    },
  };
}

function podSpec(job: JobSpec, key: string, parts: ManifestParts, seconds: number): object {
  const { options } = parts;
  const own = parseJobOptions(job);
  const priorityClass = own.priorityClass ?? options.priorityClass;
  const memory = options.sharedMemoryMb;
  return {
    restartPolicy: 'Never',
    activeDeadlineSeconds: seconds,
    terminationGracePeriodSeconds: graceSeconds,
    // Author's code has no business with the cluster.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...withoutUndefined({ serviceAccountName: options.serviceAccount, priorityClassName: priorityClass }),
    imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })),
    nodeSelector: { ...options.nodeSelector, ...own.nodeSelector },
    tolerations: options.tolerations,
    securityContext: {
      seccompProfile: { type: 'RuntimeDefault' },
      ...(options.runAs !== undefined && { runAsNonRoot: true, runAsUser: options.runAs, fsGroup: options.runAs }),
    },
    volumes: [
      { name: 'work', emptyDir: {} },
      ...(memory === undefined ? [] : [{ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: `${memory}Mi` } }]),
    ],
    containers: [
      {
        name: containerName,
        image: own.image ?? options.image,
        command: ['python3', '-m', 'slipway_launcher.kubernetes'],
        args: launcherArguments(key, parts),
        env: [
          { name: 'SLIPWAY_POD', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
          // A user that the image does not know has none, and libraries keep caches there.
          ...(options.runAs === undefined ? [] : [{ name: 'HOME', value: root }]),
          ...parts.variables,
        ],
        resources: resources(job, options),
        volumeMounts: [
          { name: 'work', mountPath: root },
          ...(memory === undefined ? [] : [{ name: 'shm', mountPath: '/dev/shm' }]),
        ],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        terminationMessagePolicy: 'FallbackToLogsOnError',
      },
    ],
  };
}

function launcherArguments(key: string, { options, store, access, document }: ManifestParts): string[] {
  const places = placesOf(nameOfKey(key));
  const given: Record<string, string> = {
    key,
    document: store.uri(documentKey(nameOfKey(key), document)),
    sha256: document.sha256,
    bytes: String(document.bytes.length),
    state: store.uri(places.state),
    owner: store.uri(places.owner),
    endpoint: access.endpoint,
    region: access.region,
    root,
    environments: options.environments,
  };
  return Object.entries(given).map(([option, value]) => `--${option}=${value}`);
}

/** A document is stored under its digest: two starters that disagree do not overwrite each other's. */
export function documentKey(name: string, { sha256 }: JobDocument): string {
  return `${placesOf(name).folder}job-${sha256.slice(0, 16)}.json`;
}

/** Memory that is asked for is also the limit; processors may be used while nobody else wants them. */
function resources({ resources: { cpu, memoryMb, gpu } }: JobSpec, options: KubernetesTrainerOptions): object {
  const memory = memoryMb === undefined ? {} : { memory: `${memoryMb}Mi` };
  const devices = gpu === undefined || gpu === 0 ? {} : { [options.gpuResource]: String(gpu) };
  return {
    requests: { ...(cpu !== undefined && { cpu: `${Math.max(1, Math.round(cpu * 1000))}m` }), ...memory },
    limits: { ...memory, ...devices },
  };
}

/** The Secret of a job, made before its Job: it has no owner yet. Its data never change. */
export function secretManifest(job: JobSpec, key: string, environment: string, data: Record<string, string>): object {
  const name = nameOfKey(key);
  const metadata = { name, ...marksOf(name, key, job, environment) };
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', immutable: true, data };
}

/** What makes Kubernetes remove a Secret with its Job. */
export function ownedBy(name: string, uid: string): object {
  return { metadata: { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }] } };
}
