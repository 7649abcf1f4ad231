import { z } from 'zod';
import type { Duration } from '../plan/duration.js';
import type { JobSettings } from '../plan/plan.js';
import type { Json, JsonObject } from '../plan/json.js';
import { splitCommand } from './command-line.js';
import { needSettings } from './job-needs.js';
import type { JobNeeds } from './job-needs.js';
import type { ValueRef } from './references.js';
import { command, duration, projectPath } from './shapes.js';

/** A command that an adapter runs as a job, and the folder of code that it needs. */
export interface ProcessOptions {
  /** The command with its arguments; quotes group, nothing else is interpreted. A leading `python` is the job's own environment. */
  run: string;
  /** Folder of its code, relative to the project; packed into the plan, and the working directory of the job. */
  folder?: string;
}

/** The same as a process of the worker's machine. */
export interface LocalOptions extends ProcessOptions {
  /** The job is ended when it writes nothing and uses no processor time for so long, at least `1s`. Default: the trainer's. */
  noProgressTimeout?: Duration;
  /** The model may be a pickle, which runs code whenever it is loaded. Default false. */
  trustPickle?: boolean;
}

/** The same on a service behind HTTP. */
export interface HttpOptions extends ProcessOptions {
  /** Which service: the name under `trainers` of the environment. Default `http`. */
  name?: string;
  /** What only that service knows; handed to it as it is. */
  options?: { readonly [name: string]: JsonValue };
}

/** The same in a Slurm cluster. */
export interface SlurmOptions extends LocalOptions {
  /** Which cluster: the name under `trainers` of the environment. Default `slurm`. */
  name?: string;
  /** Partition, account, QOS and constraint of the job, as `sbatch` takes them. Default: the trainer's. */
  partition?: string;
  account?: string;
  qos?: string;
  constraint?: string;
}

/** The same as a training job of Amazon SageMaker. What is absent is the trainer's. */
export interface SagemakerOptions extends LocalOptions {
  /** Which trainer: the name under `trainers` of the environment. Default `sagemaker`. */
  name?: string;
  /** Such as `ml.g5.xlarge`. */
  instanceType?: string;
  /** Address of an image in ECR. */
  image?: string;
  /** Disk of the job, in GiB. */
  volumeGb?: number;
  /** Spare capacity, and how long to wait for it beside the time that the job runs; `false` for none. */
  spot?: false | { wait: Duration };
}

/** The same on a Ray cluster. */
export interface RayOptions extends LocalOptions {
  /** Which cluster: the name under `trainers` of the environment. Default `ray`. */
  name?: string;
  /** Custom resources of the cluster that the job takes besides the stage's `resources`, such as `{ a100: 1 }`. */
  resources?: { readonly [name: string]: number };
}

/** The same as a Job of Kubernetes. What is absent is the trainer's. */
export interface KubernetesOptions extends LocalOptions {
  /** Which cluster: the name under `trainers` of the environment. Default `kubernetes`. */
  name?: string;
  /** Address of the image that the job runs in. */
  image?: string;
  /** Labels of the nodes that the job may run on, besides the trainer's. */
  nodeSelector?: { readonly [label: string]: string };
  priorityClass?: string;
}

declare const role: unique symbol;
type Role = 'source' | 'trainer' | 'evaluator';
interface JobOf<R extends Role, A extends 'process' | 'http' | 'slurm' | 'sagemaker' | 'ray' | 'kubernetes'> {
  readonly [role]: R;
  readonly adapter: A;
  readonly role: R;
  readonly run: string;
  readonly folder?: string;
}
interface HttpJob<R extends Role> extends JobOf<R, 'http'> {
  readonly name?: string;
  readonly options?: { readonly [name: string]: JsonValue };
}
interface LocalJob<R extends Role> extends JobOf<R, 'process'> {
  readonly noProgressTimeout?: Duration;
  readonly trustPickle?: boolean;
}
interface SlurmJob<R extends Role> extends JobOf<R, 'slurm'>, Omit<SlurmOptions, keyof ProcessOptions> {}
interface SagemakerJob<R extends Role> extends JobOf<R, 'sagemaker'>, Omit<SagemakerOptions, keyof ProcessOptions> {}
interface RayJob<R extends Role> extends JobOf<R, 'ray'>, Omit<RayOptions, keyof ProcessOptions> {}
interface KubernetesJob<R extends Role> extends JobOf<R, 'kubernetes'>, Omit<KubernetesOptions, keyof ProcessOptions> {}
type Job<R extends Role> = LocalJob<R> | HttpJob<R> | SlurmJob<R> | SagemakerJob<R> | RayJob<R> | KubernetesJob<R>;
/** Where a data set comes from. */
export type Source = Job<'source'>;
/** What trains a model. */
export type Trainer = Job<'trainer'>;
/** What scores a model. */
export type Evaluator = Job<'evaluator'>;

/** Hyperparameters by name: JSON, or a value of the run: a param, what a task returned, an element of a list. */
export type JobParams = { readonly [name: string]: JsonValue | ValueRef<Json | undefined> | undefined };
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

function processJob<R extends Role>(of: R, options: LocalOptions): Job<R> {
  return { adapter: 'process', role: of, ...options } as Job<R>;
}

function httpJob<R extends Role>(of: R, options: HttpOptions): Job<R> {
  return { adapter: 'http', role: of, ...options } as Job<R>;
}

function slurmJob<R extends Role>(of: R, options: SlurmOptions): Job<R> {
  return { adapter: 'slurm', role: of, ...options } as Job<R>;
}

function sagemakerJob<R extends Role>(of: R, options: SagemakerOptions): Job<R> {
  return { adapter: 'sagemaker', role: of, ...options } as Job<R>;
}

function rayJob<R extends Role>(of: R, options: RayOptions): Job<R> {
  return { adapter: 'ray', role: of, ...options } as Job<R>;
}

function kubernetesJob<R extends Role>(of: R, options: KubernetesOptions): Job<R> {
  return { adapter: 'kubernetes', role: of, ...options } as Job<R>;
}

/** Where a data set comes from, other than a file. */
export const sources = {
  /** A command that writes the data to `SM_OUTPUT_DATA_DIR`; it is given the hyperparameter `from`. */
  process: (options: LocalOptions): Source => processJob('source', options),
};
/** What trains models. */
export const trainers = {
  /** A command under the job contract (SageMaker script mode), run as a process of its own. */
  process: (options: LocalOptions): Trainer => processJob('trainer', options),
  /** The same command on a service behind HTTP. */
  http: (options: HttpOptions): Trainer => httpJob('trainer', options),
  /** The same command as a job of a Slurm cluster. */
  slurm: (options: SlurmOptions): Trainer => slurmJob('trainer', options),
  /** The same command as a training job of Amazon SageMaker. */
  sagemaker: (options: SagemakerOptions): Trainer => sagemakerJob('trainer', options),
  /** The same command on a Ray cluster. */
  ray: (options: RayOptions): Trainer => rayJob('trainer', options),
  /** The same command as a Job of Kubernetes. */
  kubernetes: (options: KubernetesOptions): Trainer => kubernetesJob('trainer', options),
};
/** What scores models. */
export const evaluators = {
  /** A command with the channels `model` and `data` that writes `metrics.json` to `SM_OUTPUT_DATA_DIR`. */
  process: (options: LocalOptions): Evaluator => processJob('evaluator', options),
  /** The same command on a service behind HTTP. */
  http: (options: HttpOptions): Evaluator => httpJob('evaluator', options),
  /** The same command as a job of a Slurm cluster. */
  slurm: (options: SlurmOptions): Evaluator => slurmJob('evaluator', options),
  /** The same command as a training job of Amazon SageMaker. */
  sagemaker: (options: SagemakerOptions): Evaluator => sagemakerJob('evaluator', options),
  /** The same command on a Ray cluster. */
  ray: (options: RayOptions): Evaluator => rayJob('evaluator', options),
  /** The same command as a Job of Kubernetes. */
  kubernetes: (options: KubernetesOptions): Evaluator => kubernetesJob('evaluator', options),
};

/** Shape of a job of one role. */
export function jobShape(of: Role): z.ZodType {
  const common = {
    role: z.literal(of, `expects what \`${of}s.process({ run, folder })\` returns`),
    run: command,
    folder: projectPath.optional(),
  };
  const watched = { noProgressTimeout: duration.optional(), trustPickle: z.boolean().optional() };
  const name = z.string().min(1).max(64).optional();
  const slurmName = z.string().min(1).max(256).optional();
  return z.discriminatedUnion('adapter', [
    z.strictObject({ adapter: z.literal('process'), ...common, ...watched }),
    z.strictObject({
      adapter: z.literal('slurm'),
      ...common,
      ...watched,
      name,
      partition: slurmName,
      account: slurmName,
      qos: slurmName,
      constraint: slurmName,
    }),
    z.strictObject({
      adapter: z.literal('ray'),
      ...common,
      ...watched,
      name,
      resources: z.record(z.string().min(1).max(100), z.number().positive()).optional(),
    }),
    z.strictObject({
      adapter: z.literal('http'),
      ...common,
      name,
      options: z.record(z.string(), z.json()).optional(),
    }),
    z.strictObject({
      adapter: z.literal('sagemaker'),
      ...common,
      name,
      noProgressTimeout: duration.optional(),
      trustPickle: z.boolean().optional(),
      instanceType: z.string().min(1).max(64).optional(),
      image: z.string().min(1).max(255).optional(),
      volumeGb: z.int().min(1).optional(),
      spot: z.union([z.literal(false), z.strictObject({ wait: duration })]).optional(),
    }),
    z.strictObject({
      adapter: z.literal('kubernetes'),
      ...common,
      ...watched,
      name,
      image: z.string().min(1).max(255).optional(),
      nodeSelector: z.record(z.string(), z.string()).optional(),
      priorityClass: z.string().min(1).max(253).optional(),
    }),
  ]);
}

/** The job as the plan keeps it. */
export function jobSettings(job: Job<Role>, params: JsonObject, needs: JobNeeds = {}): JobSettings {
  const adapter = job.adapter === 'process' ? job.adapter : (job.name ?? job.adapter);
  const options = adapterOptions(job);
  const trainer = {
    adapter,
    run: splitCommand(job.run),
    ...(job.folder !== undefined && { folder: tidy(job.folder) }),
    ...(options && { options }),
  };
  return { trainer, params, ...needSettings(needs) };
}

/** What only the adapter knows; absent where there is nothing to say. */
function adapterOptions(job: Job<Role>): JsonObject | undefined {
  if (job.adapter === 'http') return job.options as JsonObject | undefined;
  const { noProgressTimeout, trustPickle } = job;
  const { partition, account, qos, constraint }: Partial<SlurmJob<Role>> = job.adapter === 'slurm' ? job : {};
  const { instanceType, volumeGb, spot }: Partial<SagemakerJob<Role>> = job.adapter === 'sagemaker' ? job : {};
  const { nodeSelector, priorityClass }: Partial<KubernetesJob<Role>> = job.adapter === 'kubernetes' ? job : {};
  const image = job.adapter === 'sagemaker' || job.adapter === 'kubernetes' ? job.image : undefined;
  const { resources }: Partial<RayJob<Role>> = job.adapter === 'ray' ? job : {};
  const said = {
    noProgressTimeout,
    trustPickle: trustPickle === true || undefined,
    partition,
    account,
    qos,
    constraint,
    instanceType,
    image,
    volumeGb,
    spot,
    resources,
    nodeSelector,
    priorityClass,
  };
  const options = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as JsonObject;
  return Object.keys(options).length === 0 ? undefined : options;
}

function tidy(folder: string): string {
  return (
    folder
      .split('/')
      .filter((step) => step !== '' && step !== '.')
      .join('/') || '.'
  );
}
