import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SlipwayClient } from '../../client/index.js';
import { connect } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { openProject } from '../../operations/project.js';
import { baseEnvironment } from '../../processes/index.js';
import type { PartName } from '../../stack/index.js';
import { type Ended, startSlipway } from '../cli/command-line.js';
import { makeNamespace } from '../faults/namespace.js';
import { ensureParts, projectRoot } from '../stack-fixture.js';

const main = resolve(import.meta.dirname, '../../dist/workers/main.js');
const limitMs = 120_000;

export interface NamespaceProject {
  root: string;
  environment: Environment;
  client: SlipwayClient;
  /** The command line of a build of the package. */
  slipway(build: string, ...args: string[]): Promise<Ended>;
  /** A worker process of a build; answers once it polls. */
  startWorker(build: string, ...args: string[]): Promise<WorkerProcess>;
  /** The same with more in its environment. */
  startWorkerIn(env: Record<string, string>, build: string): Promise<WorkerProcess>;
  /** What a worker that refuses to start says, and its exit code. */
  refusedWorker(command: readonly string[]): Promise<{ code: number | null; stderr: string }>;
  close(): Promise<void>;
}
export interface WorkerProcess {
  pid: number;
  /** SIGKILL, as a crash would end it. */
  kill(): Promise<void>;
  /** Its exit code, once it has one. */
  ended: Promise<number | null>;
}

interface ProjectOptions {
  versioned: boolean;
  only: PartName[];
  policy?: string;
  pools?: string;
  recovery?: 'usual' | 'fast';
  pipelines?: Record<string, string>;
  /** Adapters in place of the stack's, as the configuration writes them: `trainers: { … },`. */
  adapters?: string;
  /** Of a Temporal server other than the stack's. */
  address?: string;
}

/** A project, a namespace and an environment of that name, on servers that all files share: no worker serves it yet. */
export async function openNamespaceProject(name: string, o: ProjectOptions): Promise<NamespaceProject> {
  const env = process.env;
  await ensureParts(o.only);
  const root = join(projectRoot, name);
  await rm(root, { recursive: true, force: true });
  await mkdir(join(root, 'pipelines'), { recursive: true });
  // The servers and what is installed are those of all; jobs and what workers write are its own.
  await mkdir(join(root, '.slipway'));
  for (const shared of ['stack', 'python', 'tools'])
    await symlink(join('..', '..', '.slipway', shared), join(root, '.slipway', shared));
  await cp(join(projectRoot, 'trainers/iris'), join(root, 'trainers/iris'), { recursive: true });
  await writeFile(join(root, 'slipway.config.ts'), configuration(name, o));
  for (const [file, text] of Object.entries(o.pipelines ?? {})) await writeFile(join(root, 'pipelines', file), text);
  const { environment } = await openProject({ root, cwd: root, env });
  const client = await connect(environment.temporal);
  await makeNamespace(environment.temporal.address, name);
  const workers: ChildProcess[] = [];
  return {
    root,
    environment,
    client,
    slipway: (build, ...args) => startSlipway(root, args, { SLIPWAY_BUILD_ID: build }).ended,
    startWorker: (build, ...args) => startWorker(root, build, args, workers, {}),
    startWorkerIn: (more, build) => startWorker(root, build, [], workers, more),
    refusedWorker: (command) => refusedWorker(root, command),
    close: async () => {
      await Promise.all(workers.map(kill));
      await client.close();
    },
  };
}

function configuration(
  name: string,
  {
    versioned,
    policy = '{}',
    pools = '{}',
    recovery = 'usual',
    adapters = '',
    address = 'stack:temporal',
  }: ProjectOptions,
): string {
  return `import * as adapters from 'slipway/config';
const { defineConfig, localStack } = adapters;
export default defineConfig({
  defaultEnvironment: '${name}',
  environments: {
    '${name}': {
      ...localStack(),
      temporal: { address: '${address}', namespace: '${name}', versioned: ${versioned} },
      ${adapters}
      policy: ${policy},
      pools: ${pools},
      recovery: '${recovery}',
      approvers: { 'ml-leads': ['ada@example.com'] },
    },
  },
});
`;
}

async function startWorker(
  root: string,
  build: string,
  args: string[],
  workers: ChildProcess[],
  env: Record<string, string>,
): Promise<WorkerProcess> {
  const ready = join(root, '.slipway', `${build}-${workers.length}.ready.json`);
  const child = spawn(process.execPath, [main, '--ready', ready, ...args], {
    cwd: root,
    env: { ...baseEnvironment(), SLIPWAY_BUILD_ID: build, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  workers.push(child);
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2_000)));
  await until(async () => {
    if (child.exitCode !== null) throw new Stop(`the worker ended: ${said}`);
    return existsSync(ready) && (JSON.parse(await readFile(ready, 'utf8')) as { pid: number }).pid === child.pid;
  });
  return { pid: child.pid ?? 0, kill: () => kill(child), ended };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function refusedWorker(
  root: string,
  [command = '', ...args]: readonly string[],
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(command, [...args, process.execPath, main], {
    cwd: root,
    env: baseEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

/** No use in asking again. */
class Stop extends Error {}

/** Asks until the answer is yes; failures to ask count as no, the last one is told after two minutes. */
export async function until(ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (let last: unknown; ; await sleep(100)) {
    try {
      if (await ask()) return;
    } catch (error) {
      if (error instanceof Stop) throw error;
      last = error;
    }
    if (Date.now() > deadline) throw new Error('not so within two minutes', { cause: last });
  }
}
