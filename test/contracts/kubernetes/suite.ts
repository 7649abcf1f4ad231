import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';

import type { OpenContext } from '../../../adapters/open-context.js';
import { openS3Store } from '../../../adapters/store/s3/index.js';
import type { Store } from '../../../adapters/store/port.js';
import { type KubernetesTrainer, openKubernetesTrainer } from '../../../adapters/trainer/kubernetes/index.js';
import { type KubernetesTrainerInput, kubernetesTrainerOptions } from '../../../adapters/trainer/kubernetes/options.js';
import type { JobSpec, JobState } from '../../../adapters/trainer/port.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { provideStack, type TestStack } from '../../stack-fixture.js';
import { jobSpec } from '../job-specs.js';
import { ApiServer, type Mishap, type Rule } from './api-server.js';
import { type Certificates, makeCertificates } from './certificates.js';
import { Cluster, type Trouble } from './cluster.js';
import type { Image } from './container.js';

/** A trainer on a cluster, with jobs whose inputs and outputs are in the stack's S3. */
export interface TrainerBench {
  stack: TestStack;
  folder: string;
  store: Store;
  context: OpenContext;
  trainer: KubernetesTrainer;
  /** Values behind references, to be added to. */
  secrets: Record<string, string>;
  /** The same trainer with other options. */
  open(more: Partial<KubernetesTrainerInput>): KubernetesTrainer;
  kubeconfig(user: object, more?: object): string;
  job(program: string, more?: Partial<JobSpec>): JobSpec;
  /** Returns when the command has said `running`. */
  running(job: string): Promise<void>;
  ended(job: string): Promise<JobState>;
}
/** The same on the stand-in. */
export interface KubernetesBench extends TrainerBench {
  cluster: Cluster;
  api: ApiServer;
  certificates: Certificates;
  token: string;
  /** While `work` goes on, pods suffer this. */
  during(trouble: Trouble, work: () => Promise<void>): Promise<void>;
  /** While `work` goes on, requests suffer this. */
  withMishap(mishap: Mishap, work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
/** How the trainer reaches a cluster. */
export interface Reach {
  url: string;
  /** PEM. */
  ca: string;
  token: string;
}

export const newKey = (): string => randomBytes(32).toString('hex');
export const patience = { timeout: 100_000, interval: 100 };
const trainers = resolve(import.meta.dirname, '../../../trainers');

/** The Role that the documentation tells people to make: the worker gets these rights and no others. */
export async function documentedRules(): Promise<Rule[]> {
  const page = await readFile(resolve(import.meta.dirname, '../../../docs/adapters/trainer-kubernetes.md'), 'utf8');
  const { rules } = parse(/```yaml\n(rules:[^`]*)```/.exec(page)?.[1] ?? '') as { rules: Rule[] };
  return rules;
}

/** The image of the tests' jobs, which is this machine. */
export async function imageOf(stack: Pick<TestStack, 'python'>): Promise<Image> {
  const python = await stack.python('trainers/launcher/requirements.txt');
  return { python, launcher: join(trainers, 'launcher'), environments: resolve(python, '../../..') };
}

/** A stand-in of a cluster whose node is this machine, with a worker who has the documented rights. */
export async function startStandIn(folder: string, image: Image) {
  const cluster = new Cluster(join(folder, 'node'), image);
  const api = new ApiServer(cluster);
  const certificates = await makeCertificates(folder);
  await api.listen(certificates);
  const token = randomBytes(16).toString('hex');
  api.tokens = [token];
  api.rules = await documentedRules();
  const close = async (): Promise<void> => {
    await cluster.close();
    await api.close();
  };
  return { cluster, api, certificates, token, close };
}

export async function openBench(folder: string): Promise<KubernetesBench> {
  const stack = await provideStack(['s3']);
  const { close, ...standIn } = await startStandIn(folder, await imageOf(stack));
  const { cluster, api, certificates, token } = standIn;
  return {
    ...trainerBench(stack, folder, { url: api.url, ca: certificates.ca, token }),
    ...standIn,
    during: async (trouble, work) => {
      cluster.trouble = trouble;
      await work().finally(() => (cluster.trouble = {}));
    },
    withMishap: async (mishap, work) => {
      api.mishaps = [mishap];
      await work().finally(() => (api.mishaps = []));
    },
    close,
  };
}

/** A kubeconfig of one cluster and one user. */
export function kubeconfigOf({ url, ca }: Omit<Reach, 'token'>, user: object, more: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u', namespace: 'elsewhere' } }],
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': base64(ca), ...more } }],
    users: [{ name: 'u', user }],
  });
}

/** The trainer on a cluster that is there. */
export function trainerBench(stack: TestStack, folder: string, reach: Reach): TrainerBench {
  const kubeconfig = (user: object, more: object = {}): string => kubeconfigOf(reach, user, more);
  const secrets: Record<string, string> = {
    'env:KUBECONFIG': kubeconfig({ token: reach.token }),
    'env:PLANTED': `${randomBytes(12).toString('hex')}'"$(id)\\\n-second line`,
  };
  const context: OpenContext = {
    root: folder,
    secret: (ref) => secrets[ref] ?? (stack.context.secret(ref) || missing(ref)),
  };
  const s3 = stack.s3(`kubernetes-${randomBytes(4).toString('hex')}/`);
  const store = openS3Store(s3, context);
  const open = (more: Partial<KubernetesTrainerInput>): KubernetesTrainer => {
    const { endpoint, region } = store.access();
    const options = kubernetesTrainerOptions.parse({
      adapter: 'kubernetes',
      kubeconfig: 'env:KUBECONFIG',
      namespace: 'ml',
      image: 'registry.example.com/slipway-trainers:7',
      store: { endpoint, region, credentials: s3.credentials },
      ...more,
    });
    return openKubernetesTrainer(options, context, store, 'dev');
  };
  const trainer = open({});
  const somewhere = (what: string) => store.uri(`${what}/${randomBytes(6).toString('hex')}/`);
  return {
    stack,
    folder,
    store,
    context,
    trainer,
    secrets,
    open,
    kubeconfig,
    job: (program, more = {}) =>
      jobSpec(program, { outputs: somewhere('outputs'), checkpoints: somewhere('checkpoints') }, more),
    running: async (job) => {
      await expect.poll(async () => (await trainer.logs(job)).text, patience).toContain('running');
    },
    ended: async (job) => {
      await expect.poll(async () => (await trainer.poll(job)).phase, patience).not.toBe('running');
      return trainer.poll(job);
    },
  };
}

/** The text of all files below a folder. */
export async function textsBelow(at: string): Promise<string> {
  const entries = await readdir(at, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((e) => e.isFile())
    .map((e) => readFile(join(e.parentPath, e.name), 'utf8').catch(() => ''));
  return (await Promise.all(files)).join('\n');
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function missing(ref: string): never {
  throw new SlipwayError(
    { code: 'E_SECRET_REF', where: ref, message: `${ref} is missing or empty` },
    exitCodes.configuration,
  );
}
