import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type SlipwayClient } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { deploy } from '../../operations/deploy.js';
import { openProject } from '../../operations/project.js';
import type { PartName, StackState } from '../../stack/index.js';
import { faultyProxy, type Call, type Fate, type FaultyProxy } from '../faulty-proxy.js';
import { dependencies, type Dependency, operationOf, type Place } from './calls.js';
import { Ledger } from './ledger.js';
import { makeProject, type TrainerName } from './lane-project.js';
import { makeNamespace } from './namespace.js';
import { type TcpProxy, tcpProxy } from './tcp-proxy.js';
import { startTrainer, trainerToken } from './trainer-service.js';
import { WorkerProcess } from './worker-process.js';

/** Where lanes are, and what they share. */
export interface LaneSite {
  /** The checkout. */
  repository: string;
  /** Folder of the stack, and below it of the lanes. */
  root: string;
  stack: StackState;
  /** Tells the lanes of this process from those of others, short. */
  stamp: string;
}

export interface LaneOptions {
  /** `dist` of the build that the worker runs. */
  dist: string;
  /** Default `30s`: longer than any recovery. */
  lease?: string;
  /** Which trainer the reference pipeline uses: a process of the machine (default), or a service that speaks the HTTP protocol. */
  trainer?: TrainerName;
  /** How often the training may be started. Default 1. */
  attempts?: number;
}

/** Chooses what happens to a call, given how often its operation was called in this run. */
export type Meddler = (place: Place, dependency: Dependency, call: Call) => Fate;

/** A start of training. */
export interface Start {
  seed: string;
  pid: number;
  /** Earlier ones of the same run that still ran then. */
  beside: number[];
}

/** A project of its own, with its own namespace, service and worker, behind proxies of its own: runs one schedule after the other. */
export interface Lane {
  readonly name: string;
  /** The project folder. */
  readonly root: string;
  readonly environment: Environment;
  readonly client: SlipwayClient;
  readonly worker: WorkerProcess;
  /** A second worker, which is not started; it reaches Temporal past the proxy. */
  readonly second: WorkerProcess;
  readonly ledger: Ledger;
  readonly temporal: TcpProxy;
  /** Where checkers look, past all proxies. */
  readonly addresses: { mlflow: string; router: string; journal: string };
  /** Starts of training, as the trainer itself noted them. */
  starts(): Start[];
  /** Begins another run: counts from 1, on a new page of the ledger. */
  begin(meddler?: Meddler): void;
  /** Operations of all calls since then, in the order in which they were made. */
  called(): readonly string[];
  close(): Promise<void>;
}

export async function openLane(site: LaneSite, index: number, options: LaneOptions): Promise<Lane> {
  const name = `lane${site.stamp}${index}`;
  const root = join(site.root, 'lanes', name);
  await mkdir(join(site.root, 'lanes'), { recursive: true });
  const targets = join(site.root, '.slipway', 'prometheus', 'targets');
  const { lease = '30s', trainer = 'process', attempts = 1 } = options;
  const startsFile = makeProject(root, site.repository, { name, lease, targets, trainer, attempts });
  const secrets = credentials(site.stack);
  const service = trainer === 'http' ? await startTrainer(site, join(root, 'trainer'), secrets) : undefined;
  // A lane whose trainer is no service asks nobody there.
  const direct = { ...directAddresses(site.stack), FAULTS_TRAINER: service?.url ?? 'http://127.0.0.1:9' };
  await makeNamespace(direct.FAULTS_TEMPORAL, name);
  const ledger = new Ledger(join(root, 'ledger.jsonl'));
  const { proxies, env, begin, called } = await openProxies(direct, ledger);
  const temporal = await tcpProxy(direct.FAULTS_TEMPORAL);
  const own = { ...process.env, ...direct, ...secrets };
  const { environment } = await openProject({ root, cwd: root, env: own });
  const files = ['pipelines/reference.ts'];
  await deploy({ root, environment, files, env: own, by: 'faults', onProgress: () => undefined });
  const client = await connect(environment.temporal);
  const proxied = { ...direct, ...env, FAULTS_TEMPORAL: temporal.address, ...secrets };
  const worker = new WorkerProcess(root, options.dist, proxied);
  const second = new WorkerProcess(
    root,
    options.dist,
    { ...proxied, FAULTS_TEMPORAL: direct.FAULTS_TEMPORAL },
    'second',
  );
  await worker.start();
  const users = keepAsking(environment, name);
  return {
    name,
    root,
    environment,
    client,
    worker,
    second,
    ledger,
    temporal,
    addresses: {
      mlflow: direct.FAULTS_MLFLOW,
      router: direct.FAULTS_ROUTER,
      journal: join(site.root, '.slipway', 'envoy', 'journal.jsonl'),
    },
    starts: () =>
      readFileSync(startsFile, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Start),
    begin,
    called,
    close: async () => {
      await Promise.all([worker.stop(), second.stop()]);
      await users.stop();
      await client.close();
      for (const endpoint of await environment.ports.serving.list()) await environment.ports.serving.unload(endpoint);
      await Promise.all([...proxies, temporal].map((proxy) => proxy.close()));
      await service?.close();
    },
  };
}

const variables = {
  s3: 'FAULTS_S3',
  mlflow: 'FAULTS_MLFLOW',
  router: 'FAULTS_ROUTER',
  prometheus: 'FAULTS_PROMETHEUS',
  trainer: 'FAULTS_TRAINER',
} as const satisfies Record<Dependency, string>;

function directAddresses(stack: StackState) {
  const address = (part: PartName) => stack.parts[part]?.address ?? '';
  return {
    FAULTS_TEMPORAL: address('temporal'),
    FAULTS_USERS: address('envoy'),
    FAULTS_S3: address('s3'),
    FAULTS_MLFLOW: address('mlflow'),
    FAULTS_ROUTER: address('router'),
    FAULTS_PROMETHEUS: address('prometheus'),
  };
}

function credentials(stack: StackState): Record<string, string> {
  const file = stack.parts.s3?.credentialsFile ?? '';
  const found = JSON.parse(readFileSync(file, 'utf8')) as { accessKeyId: string; secretAccessKey: string };
  return {
    AWS_ACCESS_KEY_ID: found.accessKeyId,
    AWS_SECRET_ACCESS_KEY: found.secretAccessKey,
    FAULTS_TRAINER_TOKEN: trainerToken,
  };
}

/** One proxy per dependency; all ask the same meddler and write the same ledger. */
async function openProxies(direct: Record<(typeof variables)[Dependency], string>, ledger: Ledger) {
  const proxies: FaultyProxy[] = [];
  const env: Record<string, string> = {};
  let meddler: Meddler = () => 'pass';
  let made: string[] = [];
  for (const dependency of dependencies) {
    const proxy = await faultyProxy(direct[variables[dependency]]);
    proxy.meddle((call) => {
      const operation = operationOf(dependency, call);
      made.push(operation);
      const nth = made.filter((o) => o === operation).length;
      return meddler({ operation, nth }, dependency, call);
    });
    proxy.watch((call, status, sent) => {
      ledger.note({ dependency, operation: operationOf(dependency, call), key: call.path, status }, sent);
    });
    proxies.push(proxy);
    env[variables[dependency]] = proxy.url;
  }
  const begin = (next: Meddler = () => 'pass') => {
    ledger.turnPage();
    made = [];
    meddler = next;
  };
  return { proxies, env, begin, called: () => made };
}

/** Users of the service, ten requests a second: a canary needs evidence. */
function keepAsking({ ports }: Environment, service: string): { stop(): Promise<void> } {
  let busy = true;
  const asking = (async () => {
    for (let n = 0; busy; n++) {
      await ports.serving
        .predict({ ...ports.router.address(), service }, { inputs: [] }, { 'x-user-id': `user-${n}` })
        .catch(() => undefined);
      await sleep(100);
    }
  })();
  return {
    stop: () => {
      busy = false;
      return asking;
    },
  };
}
