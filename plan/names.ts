/** Every name that crosses the wire, with its maker. Changing one needs a migration. */

export const taskQueues = { pipelines: 'pipelines', jobs: 'jobs', release: 'release' } as const;
export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];

/** Queue of a pool: workers that serve the jobs of stages with `pool`. */
export function poolQueue(pool: string): string {
  return `jobs-${pool}`;
}

/** The pool of a queue; undefined for the other queues. */
export function poolOf(queue: string): string | undefined {
  const [, pool] = /^jobs-(.+)$/.exec(queue) ?? [];
  return pool;
}

/** The worker deployment whose versions are the builds of this package. */
export const workerDeployment = 'slipway';

export const rolloutWorkflowType = 'rollout';
/** Runs a part of the elements of an `each` when they are too many for one history. No pipeline can have this name: it is no kebab-case. */
export const eachPartWorkflowType = 'eachPart';
/** Workflow types of the system: a pipeline of that name could never be started. */
export const reservedWorkflowTypes: readonly string[] = [rolloutWorkflowType, 'default', 'pipeline'];

export const signals = {
  decide: 'decide',
  /** Sent by the worker that watches a job. */
  progress: 'progress',
  /** Sent by a run, or a part of an `each`, that was cancelled to the run that started it. */
  cost: 'cost',
  abort: 'abort',
  promote: 'promote',
  pause: 'pause',
  resume: 'resume',
} as const;
export const updates = { decide: 'decide' } as const;
export const queries = { run: 'run' } as const;

/** Search attributes: name → Temporal type. At most six; never personal data (they are not encrypted). */
export const searchAttributes = {
  Environment: 'Keyword',
  PlanDigest: 'Keyword',
  Stage: 'Keyword',
  ModelVersion: 'Keyword',
  Outcome: 'Keyword',
  AwaitingApproval: 'Bool',
} as const;

/** `<environment>:<pipeline>:<run key>`. Opaque: never parsed for meaning. */
export function runWorkflowId(environment: string, pipeline: string, runKey: string): string {
  return `${environment}:${pipeline}:${runKey}`;
}

/** `<environment>:<pipeline>`: one schedule per pipeline and environment. Its runs carry the fire time after it. */
export function scheduleId(environment: string, pipeline: string): string {
  return `${environment}:${pipeline}`;
}

/** `rollout:<environment>:<service>`: the id is the lock, one rollout per service at a time. */
export function rolloutWorkflowId(environment: string, service: string): string {
  return `rollout:${environment}:${service}`;
}

/** `<run>/<stage>/<part>`: part of an `each`. */
export function eachPartWorkflowId(run: string, stage: string, part: number): string {
  return `${run}/${stage}/${part}`;
}

/** `<run>.<stage>`: the run that a `run` stage starts. */
export function childRunWorkflowId(run: string, stage: string): string {
  return `${run}.${stage}`;
}

/** Aliases in a registry that several environments share carry the environment's name. */
export function aliasNames(environment: string, shared: boolean): { champion: string; previous: string } {
  const prefix = shared ? `${environment}-` : '';
  return { champion: `${prefix}champion`, previous: `${prefix}previous` };
}

/** Keys in the artifact store, relative to its bucket and prefix. */
export const keys = {
  plan: (digest: string) => `plans/${digest}.json`,
  code: (sha256: string) => `code/${sha256}.tar`,
  bundle: (sha256: string) => `code/${sha256}.mjs`,
  sourceMap: (sha256: string) => `code/${sha256}.map`,
  deployed: (environment: string, pipeline: string) => `deployed/${environment}/${pipeline}.json`,
  data: (sha256: string, extension: string) => `data/${sha256}.${extension}`,
  /** Which rows of a source are held out. */
  held: (sha256: string) => `data/${sha256}.held`,
  snapshot: (digest: string) => `snapshots/${digest}.json`,
  job: (key: string) => `jobs/${key}/`,
  /** Beside the outputs of a job whose place a later attempt took. */
  superseded: (key: string) => `jobs/${key}/superseded.json`,
  /** Below it the jobs of a run are listed, see run-jobs.ts; `run` is the SHA-256 of its workflow id. */
  runJobs: (run: string) => `run-jobs/${run}/`,
  package: (name: string, version: string) => `packages/${name}/${name}-${version}.tar.gz`,
  promotions: (environment: string, service: string) => `promotions/${environment}/${service}/`,
  promotion: (environment: string, service: string, sequence: number) =>
    `promotions/${environment}/${service}/${String(sequence).padStart(10, '0')}.json`,
  runRecord: (environment: string, pipeline: string, runId: string) => `runs/${environment}/${pipeline}/${runId}.json`,
  /** A stage's earlier result, by the digest of all that it followed from. */
  cached: (digest: string) => `cache/${digest}.json`,
  /** A value too large to travel, by its digest. */
  value: (sha256: string) => `values/${sha256}.json`,
  scores: (digest: string) => `scores/${digest}.json`,
  lastInputs: (environment: string, pipeline: string) => `inputs/${environment}/${pipeline}.json`,
} as const;

/** Pipeline names and stage ids: kebab-case, 1 to 64 characters. */
export function isKebabCase(name: string): boolean {
  return name.length <= 64 && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);
}

/** Run keys: letters, digits, `.`, `_`, `-`; 1 to 200 characters; no `..`, not starting with a dash or dot. */
export function isRunKey(key: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/.test(key) && !key.includes('..');
}

/** Where Temporal's UI shows a run. */
export function temporalUiLink(ui: string, namespace: string, workflowId: string, runId?: string): string {
  const run = runId === undefined ? '' : `/${encodeURIComponent(runId)}`;
  return `${ui.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}${run}`;
}
