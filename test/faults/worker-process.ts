import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseEnvironment } from '../../processes/index.js';

const readyLimitMs = 120_000;
/** Far above the time that a worker gives itself. */
const endLimitMs = 120_000;

/** Whoever ends the harness ends its workers. */
const alive = new Set<ChildProcess>();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));

/** How a worker ended that was asked to. */
export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** From the signal on. */
  ms: number;
}

/** A real worker process that can be killed at any instant, and is started again as a supervisor would. */
export class WorkerProcess {
  deaths = 0;
  /** How often it was started again after a signal, its own abort among them, had ended it. */
  revivals = 0;
  /** False: who is killed stays dead. */
  revive = true;
  private child: ChildProcess | undefined;
  private stopping = false;
  private readonly root: string;
  private readonly dist: string;
  private readonly env: Record<string, string>;
  private readonly name: string;

  /** `root`: its project folder. `dist`: the build that it runs. `name`: tells it from others of the folder. */
  constructor(root: string, dist: string, env: Record<string, string>, name = 'worker') {
    this.root = root;
    this.dist = dist;
    this.env = env;
    this.name = name;
  }

  get logFile(): string {
    return join(this.root, `${this.name}.log`);
  }

  /** Of the process that runs, or ran last; undefined before the first. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  private get readyFile(): string {
    return join(this.root, '.slipway', 'worker', `${this.name}-ready.json`);
  }

  /** Starts it; answers once it polls. */
  async start(): Promise<void> {
    const ready = this.readyFile;
    this.stopping = false;
    await rm(ready, { force: true });
    const child = this.spawn();
    const deadline = Date.now() + readyLimitMs;
    for (;;) {
      const text = await readFile(ready, 'utf8').catch(() => '{}');
      if ((JSON.parse(text) as { pid?: number }).pid === child.pid) return;
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`no worker: see ${this.logFile}`);
      await sleep(50);
    }
  }

  /** SIGKILL, now. */
  readonly kill = (): void => {
    this.deaths++;
    this.child?.kill('SIGKILL');
  };

  /** SIGTERM, now, as a deployment does it; answers once it has ended. It is started again as after any other end. */
  readonly terminate = async (): Promise<End> => {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) throw new Error('no worker runs');
    const before = Date.now();
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(endLimitMs) });
    child.kill('SIGTERM');
    const [code, signal] = (await ended.catch(() => {
      throw new Error(`the worker has not ended ${endLimitMs / 1_000} s after SIGTERM: see ${this.logFile}`);
    })) as [number | null, NodeJS.Signals | null];
    return { code, signal, ms: Date.now() - before };
  };

  /** Stops it, as a hanging machine would, until the answer is called. */
  freeze(): () => void {
    const child = this.child;
    child?.kill('SIGSTOP');
    return () => void child?.kill('SIGCONT');
  }

  /** Stops it for a while. */
  async pause(ms: number): Promise<void> {
    const goOn = this.freeze();
    await sleep(ms);
    goOn();
  }

  /** Kills it and waits until its successor polls. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  private spawn(): ChildProcess {
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, [join(this.dist, 'workers', 'main.js'), '--ready', this.readyFile], {
      cwd: this.root,
      env: { ...baseEnvironment(), ...this.env },
      stdio: ['ignore', log, log],
      shell: false,
    });
    closeSync(log);
    this.child = child;
    alive.add(child);
    child.on('exit', (_code, signal) => {
      alive.delete(child);
      if (this.stopping || !this.revive) return;
      if (signal !== null) this.revivals++;
      this.spawn();
    });
    return child;
  }
}
