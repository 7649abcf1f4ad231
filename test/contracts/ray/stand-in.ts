import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { isRunning, runningProcesses, statOf } from '../../../processes/proc-fs.js';

/** What a job is submitted with. */
export interface Submission {
  submission_id: string;
  entrypoint: string;
  runtime_env: { working_dir: string; env_vars: Record<string, string> };
  metadata: Record<string, string>;
  entrypoint_num_cpus?: number;
  entrypoint_num_gpus?: number;
  entrypoint_memory?: number;
  entrypoint_resources?: Record<string, number>;
}
interface Job {
  submission: Submission;
  status: 'PENDING' | 'RUNNING' | 'STOPPED' | 'SUCCEEDED' | 'FAILED';
  message: string;
  error_type: string | null;
  driver_exit_code: number | null;
  stopping: boolean;
  child: ChildProcess | undefined;
  log: string;
}

/** Settings of the nodes that Ray's users make: variables of the raylet. */
export interface StandInOptions {
  folder: string;
  python: string;
  env: Record<string, string>;
  /** Bearer token that every request must bring. */
  token: string;
  port?: number;
}

/**
 * Ray's Jobs API as Ray 2.60 answers it, with one node: packages, one supervised shell per job, and a memory that ends
 * with the process, as that of a head node without an outside Redis does.
 */
export class RayStandIn {
  readonly jobs = new Map<string, Job>();
  readonly packages = new Map<string, Buffer>();
  readonly #options: StandInOptions;
  readonly #server: Server;
  /** Jobs stay PENDING while the cluster has no room. */
  full = false;
  /** Answers of submissions that are lost after their effect. */
  losing = 0;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, text }) => {
        if (status === 0) return response.destroy();
        const type = status === 200 && text.startsWith('{') ? 'application/json' : 'text/plain';
        return response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(text);
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<this> {
    this.#server.listen(this.#options.port ?? 0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** The head node goes down, and all jobs with it. */
  async close(): Promise<void> {
    for (const { child } of this.jobs.values()) if (child?.pid !== undefined) end(descendants(child.pid), 'SIGKILL');
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The working directory that a job came with, uncompressed. */
  packageOf(job: string): string {
    const uri = this.jobs.get(job)?.submission.runtime_env.working_dir ?? '';
    return this.packages.get(uri)?.toString('latin1') ?? '';
  }

  /** Lets what waits for room begin. */
  async makeRoom(): Promise<void> {
    this.full = false;
    for (const job of this.jobs.values()) if (job.status === 'PENDING') await this.#run(job);
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; text: string }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.headers.authorization !== `Bearer ${this.#options.token}`) {
      return { status: 401, text: 'Unauthorized: Missing or invalid authentication token' };
    }
    if (request.method !== 'GET' && request.headers['sec-fetch-mode'] !== undefined) {
      return { status: 405, text: `'${request.method}' method not allowed for browser traffic.` };
    }
    const [, , kind = '', name = '', action] = (request.url ?? '').split('/');
    const method = request.method ?? '';
    if (kind === 'packages') return this.#package(method, `gcs://${action}`, Buffer.concat(chunks));
    if (kind !== 'jobs') return { status: 404, text: '404: Not Found' };
    if (method === 'POST' && name === '')
      return this.#submit(JSON.parse(Buffer.concat(chunks).toString()) as Submission);
    if (name === '') return { status: 200, text: JSON.stringify([aDriver, ...[...this.jobs.values()].map(details)]) };
    const job = this.jobs.get(name);
    if (job === undefined) return { status: 404, text: `Job ${name} does not exist` };
    if (action === 'stop') return { status: 200, text: JSON.stringify({ stopped: this.#stop(job) }) };
    if (action === 'logs') return { status: 200, text: JSON.stringify({ logs: await readLog(job) }) };
    return { status: 200, text: JSON.stringify(details(job)) };
  }

  #package(method: string, uri: string, content: Buffer): { status: number; text: string } {
    if (method === 'PUT') this.packages.set(uri, content);
    return this.packages.has(uri) ? { status: 200, text: '' } : { status: 404, text: `Package ${uri} does not exist` };
  }

  async #submit(submission: Submission): Promise<{ status: number; text: string }> {
    const id = submission.submission_id;
    if (this.jobs.has(id)) {
      const said = `ValueError: Job with submission_id ${id} already exists. Please use a different submission_id.`;
      // An agent of the cluster refuses; the head does not pass on its status.
      const agent = `Traceback (most recent call last):\n  File "job_agent.py"\n${said}\n`;
      const failed = `RuntimeError: Request failed with status code 400: ${agent}.`;
      return { status: 500, text: `Traceback (most recent call last):\n  File "job_head.py"\n${failed}\n` };
    }
    const log = join(this.#options.folder, `job-driver-${id}.log`);
    const job: Job = {
      submission,
      status: 'PENDING',
      message: 'Job has not started yet.',
      error_type: null,
      driver_exit_code: null,
      stopping: false,
      child: undefined,
      log,
    };
    this.jobs.set(id, job);
    await writeFile(log, '2026-01-01 00:00:00,000\tINFO job_manager.py:568 -- Runtime env is setting up.\n');
    if (!this.full) void this.#run(job);
    if (this.losing > 0) {
      this.losing--;
      return { status: 0, text: '' };
    }
    return { status: 200, text: JSON.stringify({ job_id: id, submission_id: id }) };
  }

  async #run(job: Job): Promise<void> {
    const { submission_id: id, entrypoint, runtime_env: runtime } = job.submission;
    const cwd = join(this.#options.folder, 'working_dirs', id);
    const archive = `${cwd}.zip`;
    await mkdir(cwd, { recursive: true });
    await writeFile(archive, this.packages.get(runtime.working_dir) ?? '');
    const unzip = spawn(this.#options.python, ['-m', 'zipfile', '-e', archive, cwd], { stdio: 'ignore' });
    const [code] = (await once(unzip, 'exit')) as [number];
    if (code !== 0) return fail(job, 'RUNTIME_ENV_SETUP_FAILURE', 'runtime_env setup failed');
    await writeFile(job.log, `Running entrypoint for job ${id}: ${entrypoint}\n`, { flag: 'a' });
    job.child = spawn('/bin/sh', ['-c', `exec >>"$0" 2>&1; ${entrypoint}`, job.log], {
      cwd,
      env: { ...this.#options.env, ...runtime.env_vars, RAY_ADDRESS: '127.0.0.1:6379', PYTHONUNBUFFERED: '1' },
      detached: true,
      stdio: 'ignore',
    });
    job.status = 'RUNNING';
    job.message = 'Job is currently running.';
    job.child.on('exit', (exit, signal) => void this.#ended(job, exit ?? -(signal === 'SIGKILL' ? 9 : 15)));
    if (job.stopping) this.#signal(job);
  }

  async #ended(job: Job, code: number): Promise<void> {
    if (job.stopping) return;
    job.driver_exit_code = code;
    if (code === 0) {
      job.message = 'Job finished successfully.';
      job.status = 'SUCCEEDED';
      return;
    }
    const lines = (await readLog(job)).trimEnd().split('\n').slice(-10).join('\n');
    const said = `Job entrypoint command failed with exit code ${code}, last available logs (truncated to 20,000 chars):\n`;
    fail(job, 'JOB_ENTRYPOINT_COMMAND_ERROR', said + lines);
  }

  /** Fire and forget, and only where there is a supervisor. */
  #stop(job: Job): boolean {
    if (job.status !== 'RUNNING' && job.status !== 'PENDING') return false;
    if (!job.stopping) {
      job.stopping = true;
      if (job.child !== undefined) this.#signal(job);
    }
    return true;
  }

  /** The job's processes of this moment get SIGTERM, and SIGKILL when they are slow. */
  #signal(job: Job): void {
    const pids = descendants(job.child?.pid ?? 0);
    end(pids, 'SIGTERM');
    const patience = Number(job.submission.runtime_env.env_vars['RAY_JOB_STOP_WAIT_TIME_S'] ?? 3) * 1000;
    const until = Date.now() + patience;
    const timer = setInterval(() => {
      const late = Date.now() > until;
      if (!late && pids.some(runs)) return;
      if (late) end(pids, 'SIGKILL');
      clearInterval(timer);
      job.status = 'STOPPED';
      job.message = 'Job was intentionally stopped.';
    }, 100);
  }
}

/** What somebody runs without submitting it. */
const aDriver = { type: 'DRIVER', submission_id: null, job_id: '01000000', status: 'RUNNING', metadata: null };

function details({ submission, status, message, error_type, driver_exit_code }: Job): object {
  const { submission_id: id } = submission;
  return {
    type: 'SUBMISSION',
    job_id: null,
    ...submission,
    submission_id: id,
    status,
    message,
    error_type,
    driver_exit_code,
  };
}

function fail(job: Job, type: string, message: string): void {
  Object.assign(job, { status: 'FAILED', error_type: type, message });
}

async function readLog({ log }: Job): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(log));
}

function runs(pid: number): boolean {
  return isRunning(statOf(pid));
}

/** A process with all that it started, as far as their parents still run. */
function descendants(pid: number): number[] {
  const children = runningProcesses().filter(({ parent }) => parent === pid);
  return [pid, ...children.flatMap((child) => descendants(child.pid))];
}

function end(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}
