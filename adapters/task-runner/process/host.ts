import { rm } from 'node:fs/promises';

import { printable, SlipwayError } from '../../../plan/errors.js';
import { type Json, parseJson, withoutUndefined } from '../../../plan/json.js';
import type { TaskOrder, TaskReply } from '../../../plan/task-messages.js';
import { endGroup, type ProcessRecord } from '../../../processes/index.js';
import type { TaskWork } from '../port.js';
import { readLines } from './lines.js';
import { type HostOptions, type HostProcess, spawnHost } from './spawn-host.js';

const loadMs = 120_000;
/** How long a cancelled function may go on. */
const graceMs = 5_000;
const longestTimer = 2 ** 31 - 1;
const longestReply = 48 * 1024 * 1024;
const keptOutput = 8_192;

type Outcome = { value: Json } | { error: unknown };

/** A process that has loaded one packed pipeline file and runs its tasks, one at a time. */
export class TaskHost {
  /** Resolved once the process and all that it started are gone. */
  readonly ended: Promise<void>;
  private readonly child: HostProcess;
  private readonly record: ProcessRecord;
  private orders = 0;
  private output = '';
  private exited = false;
  /** Who waits: for the loading (0) or for the answer to an order. */
  private waiting: { id: number; settle: (outcome: Outcome) => void } | undefined;

  private constructor(started: Awaited<ReturnType<typeof spawnHost>>, memoryMb: number) {
    this.child = started.child;
    this.record = started.record;
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.exited = true;
        this.settle({ error: crash(code, signal, this.output, memoryMb) });
        void endGroup(this.record, { graceMs: 0 })
          .then(() => rm(started.folder, { recursive: true, force: true }))
          .then(resolve, resolve);
      });
    });
    this.child.stdin.on('error', () => undefined);
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.output = (this.output + chunk.toString('utf8')).slice(-keptOutput);
    });
    const fail = (error: SlipwayError) => {
      this.settle({ error });
      void this.end(0);
    };
    readLines(
      this.child.stdout,
      longestReply,
      (line) => this.answered(line, fail),
      () => fail(tooLong()),
    );
  }

  /** Starts the process and waits until it has loaded the file. */
  static async start(o: HostOptions): Promise<TaskHost> {
    const host = new TaskHost(await spawnHost(o), o.memoryMb);
    try {
      await host.outcome(0, loadMs, notLoaded());
      return host;
    } catch (error) {
      await host.end(0);
      throw error;
    }
  }

  get alive(): boolean {
    return !this.exited;
  }

  /** Runs a task; see the port. */
  async run(work: TaskWork, signal?: AbortSignal): Promise<Json> {
    signal?.throwIfAborted();
    const { kind, stage, input, output, about } = work;
    const id = ++this.orders;
    const order = { id, kind, stage, input, about, ...withoutUndefined({ output }) };
    const cancelled = () => this.stop(id, signal?.reason);
    signal?.addEventListener('abort', cancelled, { once: true });
    try {
      const answer = this.outcome(id, work.limitMs, overLimit(work));
      this.send(order);
      return await answer;
    } finally {
      signal?.removeEventListener('abort', cancelled);
    }
  }

  /** Ends the process and all that it started; by force after the grace, in milliseconds. */
  async end(grace = 1_000): Promise<void> {
    await endGroup(this.record, { graceMs: grace });
    await this.ended;
  }

  private async outcome(id: number, limitMs: number, late: SlipwayError): Promise<Json> {
    const timer = setTimeout(() => this.stop(id, late), Math.min(limitMs, longestTimer));
    const outcome = await new Promise<Outcome>((settle) => {
      this.waiting = { id, settle };
      if (this.exited) settle({ error: crash(this.child.exitCode, this.child.signalCode, this.output, 0) });
    });
    clearTimeout(timer);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  private settle(outcome: Outcome): void {
    this.waiting?.settle(outcome);
    this.waiting = undefined;
  }

  /** Tells the function to end; after the grace its process is ended. Whatever it answers now, `why` is the outcome. */
  private stop(id: number, why: unknown): void {
    const { waiting } = this;
    if (waiting?.id !== id) return;
    const timer = setTimeout(() => void this.end(0), graceMs);
    this.waiting = {
      id,
      settle: () => {
        clearTimeout(timer);
        waiting.settle({ error: why });
      },
    };
    this.send({ id, kind: 'cancel' });
  }

  private send(order: TaskOrder): void {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  private answered(line: string, fail: (error: SlipwayError) => void): void {
    const reply = parse(line);
    if (reply === undefined) return fail(noReply(line));
    if ('ready' in reply) {
      if (this.waiting?.id === 0) this.settle(reply.ready ? { value: null } : { error: said(reply) });
    } else if (this.waiting?.id === reply.id) {
      this.settle(reply.ok ? { value: reply.value } : { error: said(reply) });
    }
  }
}

function parse(line: string): TaskReply | undefined {
  const value = parseJson(line) as TaskReply | null | undefined;
  return value !== null && typeof value === 'object' && ('ready' in value || 'ok' in value) ? value : undefined;
}

function said({ code, message }: { code: string; message: string }): SlipwayError {
  return new SlipwayError({ code: /^E_[A-Z0-9_]+$/.test(code) ? code : 'E_TASK', message });
}

function crash(code: number | null, signal: string | null, output: string, memoryMb: number): SlipwayError {
  const full = /out of memory/i.test(output);
  const how = full ? `needed more memory than its ${memoryMb} MiB` : `ended (${signal ?? `exit code ${code}`})`;
  const last = output.trim().slice(-1_000);
  return new SlipwayError({
    code: 'E_TASK_CRASH',
    message: `the process of the task ${how}${last === '' ? '' : `; its output ends with:\n${last}`}`,
    fix: full ? 'hold less in memory, or raise `memoryMb` under `tasks` of the environment' : 'see what ends it',
  });
}

function overLimit({ stage, limitMs }: TaskWork): SlipwayError {
  return new SlipwayError({
    code: 'E_TASK_LIMIT',
    where: stage,
    message: `the task took longer than its ${limitMs / 1_000} s`,
    fix: 'raise its `timeout`, or make it faster; it was told to end, and its process is ended when it goes on',
  });
}

function notLoaded(): SlipwayError {
  return new SlipwayError({
    code: 'E_TASK_LIMIT',
    message: `the pipeline file was not loaded within ${loadMs / 1_000} s`,
    fix: 'do no work while the file is imported',
  });
}

function noReply(line: string): SlipwayError {
  return new SlipwayError({
    code: 'E_TASK_CRASH',
    message: `the process of the task wrote what is no answer: ${printable(line, 200)}`,
    fix: 'print with console.log; file descriptor 1 belongs to the task runner',
  });
}

function tooLong(): SlipwayError {
  return new SlipwayError({
    code: 'E_PAYLOAD_SIZE',
    message: `the task returned more than ${longestReply} bytes`,
    fix: 'write large data to a store of yours and return where it is',
  });
}
