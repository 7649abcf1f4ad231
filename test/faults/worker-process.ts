import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseEnvironment } from '../../processes/index.js';

const readyLimitMs = 120_000;

/** Whoever ends the harness ends its workers. */
const alive = new Set<ChildProcess>();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));

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

  /** `root`: its project folder. `dist`: the build that it runs. */
  constructor(root: string, dist: string, env: Record<string, string>) {
    this.root = root;
    this.dist = dist;
    this.env = env;
  }

  get logFile(): string {
    return join(this.root, 'worker.log');
  }

  /** Starts it; answers once it polls. */
  async start(): Promise<void> {
    const ready = join(this.root, '.slipway', 'worker', 'ready.json');
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

  /** Stops it for a while, as a hanging machine would. */
  async pause(ms: number): Promise<void> {
    const child = this.child;
    child?.kill('SIGSTOP');
    await sleep(ms);
    child?.kill('SIGCONT');
  }

  /** Kills it and waits until its successor polls. */
  async restart(): Promise<void> {
    await this.stop();
    this.stopping = false;
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
    const child = spawn(process.execPath, [join(this.dist, 'workers', 'main.js')], {
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
