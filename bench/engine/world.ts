import { randomUUID } from 'node:crypto';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { jobActivities } from '../../activities/index.js';
import { loadConfig } from '../../config/load.js';
import { openProject } from '../../operations/project.js';
import { deploy } from '../../operations/deploy.js';
import { prepareFolder } from '../../operations/demo/folder.js';
import type { Store } from '../../adapters/store/port.js';
import type { JsonObject } from '../../plan/json.js';
import { taskQueues } from '../../plan/names.js';
import { down, type PartName, up } from '../../stack/index.js';
import { Deaths } from '../../workers/deaths.js';
import { servedEnvironments } from '../../workers/served-environments.js';
import { activityContext, createWorkers, queueTuning } from '../../workers/workers.js';
import { bareQueues } from './names.js';

const environmentName = 'demo';

/** A server, a store and the workers of both sides. */
export interface BenchWorld {
  /** The project folder of the bench. */
  root: string;
  store: Store;
  client: Client;
  /** Pipeline → digest of its deployed plan. */
  plans: Map<string, string>;
  environment: string;
  /** Starts a run; answers when it is over, with its workflow id. */
  run(pipeline: string, params?: JsonObject): Promise<string>;
  /** The same for a workflow of the baseline. */
  bare(type: string, input: object): Promise<string>;
  address: string;
  /** Ends the workers, so that others can serve their queues. */
  stopWorkers(): Promise<void>;
  close(): Promise<void>;
}

/** Starts everything under `.slipway/bench` of the repository, with the pipelines of one file of `bench/`; jobs need MLflow too. */
export async function openWorld(
  repository: string,
  file = 'pipelines/engine.ts',
  parts: PartName[] = ['temporal', 's3'],
): Promise<BenchWorld> {
  const silent = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger: silent, telemetryOptions: { logging: { filter: 'ERROR' } } });
  const onProgress = (): void => undefined;
  const root = await prepareFolder(repository, 'bench', onProgress);
  await mkdir(path.join(root, 'pipelines'), { recursive: true });
  await cp(path.join(repository, 'bench/pipelines'), path.join(root, 'pipelines'), { recursive: true });
  // oxlint-disable-next-line node/no-process-env -- the composition root of the bench
  const env = process.env;
  await up({ root, only: parts, env, onProgress });
  const { environment } = await openProject({ root, cwd: root, environment: environmentName, env });
  const deployed = await deploy({ root, environment, env, files: [file], by: 'bench', onProgress });
  const { address, namespace } = environment.temporal;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const native = await NativeConnection.connect({ address });
  const served = await servedEnvironments(await loadConfig(root), environmentName, { root, env });
  const workers = await createWorkers({
    connection: native,
    root,
    served,
    queues: [taskQueues.pipelines, taskQueues.jobs],
    build: 'bench',
    deaths: await Deaths.open(path.join(root, '.slipway/worker/in-flight')),
  });
  workers.push(...(await bareWorkers(native, namespace, { root, served, build: 'bench' })));
  const running = workers.map((w) => w.run());
  const stopWorkers = async () => {
    workers.forEach((w) => w.getState() === 'RUNNING' && w.shutdown());
    await Promise.all(running);
  };
  return {
    root,
    store: environment.ports.store,
    client,
    plans: new Map(deployed.map((d) => [d.pipeline, d.plan])),
    environment: environmentName,
    run: (pipeline, params) =>
      execute(client, pipeline, taskQueues.pipelines, { environment: environmentName, ...(params && { params }) }),
    bare: (type, input) => execute(client, type, bareQueues.workflows, input),
    address,
    stopWorkers,
    close: async () => {
      await stopWorkers();
      await served.close();
      await native.close();
      await connection.close();
      await down({ root, onProgress });
    },
  };
}

/** The baseline's workers: the same options, the same activities, their own queues and workflows. */
async function bareWorkers(
  connection: NativeConnection,
  namespace: string,
  from: Parameters<typeof activityContext>[0],
): Promise<Worker[]> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: path.join(import.meta.dirname, 'bare-workflows.js'),
    logger: new DefaultLogger('ERROR', () => undefined),
  });
  const { workflows: _, ...tuning } = queueTuning(taskQueues.pipelines);
  const { workflows: __, ...jobTuning } = queueTuning(taskQueues.jobs);
  return [
    await Worker.create({
      connection,
      namespace,
      taskQueue: bareQueues.workflows,
      workflowBundle,
      ...tuning,
    }),
    await Worker.create({
      connection,
      namespace,
      taskQueue: bareQueues.jobs,
      activities: jobActivities(activityContext(from)),
      ...jobTuning,
    }),
  ];
}

async function execute(client: Client, type: string, taskQueue: string, input: object): Promise<string> {
  const workflowId = `${environmentName}:${type}:${randomUUID()}`;
  await client.workflow.execute(type, { workflowId, taskQueue, args: [input] });
  return workflowId;
}
