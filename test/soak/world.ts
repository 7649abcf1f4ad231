import { existsSync } from 'node:fs';
import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { connect, decide, startRun, type SlipwayClient } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { openProject } from '../../operations/project.js';
import { down, type PartName, up } from '../../stack/index.js';
import { WorkerProcess } from '../faults/worker-process.js';

const parts: PartName[] = ['temporal', 's3', 'mlflow'];
/** More runs wait than the worker keeps in memory: each that goes on displaces another. */
const waitingRuns = 150;
const begunLimitMs = 120_000;
const quiet = (): void => undefined;

/** A stack of its own, and one worker process. */
export interface World {
  readonly root: string;
  readonly workerPid: number;
  /** Where the worker answers a sample. */
  readonly answerFile: string;
  /** Starts so many runs that the worker's memory for them is full. */
  fill(): Promise<void>;
  /** Starts a run, and approves the one that has waited longest; answers when that has ended. `n` is new: it trains. */
  run(n: number): Promise<void>;
  close(): Promise<void>;
}

/** Brings everything up in `.slipway/soak` of the repository, which must be built. */
export async function openWorld(repository: string): Promise<World> {
  const root = join(repository, '.slipway', 'soak');
  await makeProject(root, repository);
  await up({ root, only: parts, env: process.env, onProgress: quiet });
  const { environment } = await openProject({ root, cwd: root, env: process.env });
  const files = ['pipelines/steady.ts'];
  await deploy({ root, environment, files, env: process.env, by: 'soak', onProgress: quiet });
  const client = await connect(environment.temporal);
  const answerFile = join(root, 'answer.json');
  const preload = pathToFileURL(join(import.meta.dirname, 'collect.mjs'));
  preload.searchParams.set('to', answerFile);
  const worker = new WorkerProcess(root, join(repository, 'dist'), { NODE_OPTIONS: `--import=${preload.href}` });
  // Who dies is no worker without leaks.
  worker.revive = false;
  await worker.start();
  return {
    root,
    workerPid: worker.pid ?? 0,
    answerFile,
    ...runsOf(client),
    close: async () => {
      await worker.stop();
      await client.close();
      await down({ root, onProgress: quiet });
    },
  };
}

function runsOf(client: SlipwayClient): Pick<World, 'fill' | 'run'> {
  const waiting: string[] = [];
  const start = async (n: number) => {
    const request = { environment: 'soak', pipeline: 'steady', params: { n }, trigger: 'soak' };
    waiting.push((await startRun(client, request)).workflowId);
  };
  return {
    fill: async () => {
      await start(0);
      // The others take the model that the first has trained.
      await untilWaiting(client, waiting[0] ?? '');
      for (let i = 1; i < waitingRuns; i++) await start(0);
      for (const run of waiting) await untilWaiting(client, run);
    },
    run: async (n) => {
      await start(n);
      const oldest = waiting.shift() ?? '';
      await untilWaiting(client, oldest);
      await decide(client, oldest, { decision: 'approve', by: 'ada@example.com' });
      await client.temporal.workflow.getHandle(oldest).result();
    },
  };
}

/** The server is asked, not the worker: most of these runs have been displaced from its memory. */
async function untilWaiting(client: SlipwayClient, workflowId: string): Promise<void> {
  const deadline = Date.now() + begunLimitMs;
  for (;;) {
    const { status, searchAttributes: told } = await client.temporal.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') throw new Error(`${workflowId} ended before anybody approved it`);
    if (told['AwaitingApproval']?.[0] === true) return;
    if (Date.now() > deadline) throw new Error(`${workflowId} does not come to its approval`);
    await sleep(200);
  }
}

async function makeProject(root: string, repository: string): Promise<void> {
  if (existsSync(join(root, '.slipway', 'stack'))) await down({ root, onProgress: quiet });
  await rm(root, { recursive: true, force: true });
  await cp(join(import.meta.dirname, 'project'), root, { recursive: true });
  await mkdir(join(root, '.slipway'), { recursive: true });
  for (const shared of ['python', 'tools']) {
    await mkdir(join(repository, '.slipway', shared), { recursive: true });
    await symlink(join(repository, '.slipway', shared), join(root, '.slipway', shared));
  }
}
