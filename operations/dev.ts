import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../authoring/package-root.js';
import { SlipwayError } from '../plan/errors.js';
import type { Env, OnProgress } from '../stack/index.js';
import { startPart, stopPart, up } from '../stack/index.js';
import type { Deployed } from './deploy.js';
import { deploy } from './deploy.js';
import { openProject } from './project.js';
import { restoreServing } from './restore-serving.js';

export interface DevOptions {
  root: string;
  env: Env;
  onProgress: OnProgress;
  onDeployed(deployed: readonly Deployed[]): void;
  /** Faults of a save: shown, and the next save tries again. */
  onFaults(error: SlipwayError): void;
  onWorker(reason: string): void;
  signal: AbortSignal;
}

const quietMs = 200;

/**
 * The local loop: starts the stack with its worker, lets the champions serve again, deploys all pipelines in the default environment, and again on every save below pipelines/ and
 * trainers/; a new build of the package restarts the worker. Ends on abort; the stack stays up.
 */
export async function dev(o: DevOptions): Promise<void> {
  await up({ root: o.root, env: o.env, onProgress: o.onProgress });
  const tasks = new TaskLine();
  // Watched before the first deploy, so that no save is missed.
  const sources = await watchFiles(
    ['pipelines', 'trainers', 'slipway.config.ts'].map((path) => join(o.root, path)),
    (path) => /(^|\/)(__pycache__|node_modules|\.[^/]+)(\/|$)|\.pyc$/.test(path.slice(o.root.length)),
    () => tasks.add('deploy', () => deployAll(o)),
  );
  const build = await watchFiles(
    ['workers', 'activities', 'workflows', 'adapters', 'plan'].map((path) => join(packageRoot, 'dist', path)),
    (path) => /\.(map|d\.ts)$/.test(path),
    () => tasks.add('worker', () => restartWorker(o)),
  );
  tasks.add('serving', () => serveAgain(o));
  tasks.add('deploy', () => deployAll(o));
  await aborted(o.signal);
  await Promise.all([sources.close(), build.close(), tasks.idle()]);
}

async function watchFiles(
  paths: readonly string[],
  ignored: (path: string) => boolean,
  onChange: () => void,
): Promise<{ close(): Promise<void> }> {
  const { watch } = await import('chokidar');
  const watcher = watch(paths.filter(existsSync), { ignoreInitial: true, ignored });
  await new Promise<void>((ready) => watcher.once('ready', () => ready()));
  watcher.on('all', debounced(onChange));
  return watcher;
}

/** The champions of an unprotected environment, as after `slipway up`. */
async function serveAgain(o: DevOptions): Promise<void> {
  await told(o, async () => {
    const { environment } = await openProject({ root: o.root, cwd: o.root, env: o.env });
    const unserved = environment.protected ? null : await restoreServing(environment, o.onProgress);
    if (unserved !== null) throw unserved;
  });
}

async function deployAll(o: DevOptions): Promise<void> {
  await told(o, async () => {
    const project = await openProject({ root: o.root, cwd: o.root, env: o.env });
    const deployed = await deploy({
      root: o.root,
      environment: project.environment,
      env: o.env,
      by: 'dev',
      onProgress: o.onProgress,
    });
    o.onDeployed(deployed.filter((d) => d.changed));
  });
}

async function told(o: DevOptions, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    o.onFaults(error);
  }
}

async function restartWorker(o: DevOptions): Promise<void> {
  o.onWorker('a new build');
  await stopPart(o.root, 'worker');
  await startPart(o.root, 'worker', { env: o.env, onProgress: o.onProgress });
}

/** One task after another; a task of a kind that waits already is not added again. */
class TaskLine {
  readonly #waiting = new Set<string>();
  #last: Promise<void> = Promise.resolve();

  add(kind: string, task: () => Promise<void>): void {
    if (this.#waiting.has(kind)) return;
    this.#waiting.add(kind);
    this.#last = this.#last.then(() => {
      this.#waiting.delete(kind);
      return task();
    });
  }

  idle(): Promise<void> {
    return this.#last;
  }
}

/** Runs once the calls have stopped for a moment: editors save in several steps. */
function debounced(work: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, quietMs);
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
