import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Fault } from '../../plan/errors.js';
import { formatDuration } from '../../plan/duration.js';
import { parseJson } from '../../plan/json.js';
import type { RecordedPlan } from '../compile.js';
import { packageRoot } from '../package-root.js';

/** What the loading process is told, as its one argument. */
export interface LoaderTask {
  root: string;
  /** The pipeline file, relative to the root. */
  file: string;
  /** The module to import. */
  bundle: string;
  timeoutMs: number;
  memoryMiB: number;
}
/** What it answers on its third file descriptor. */
export interface LoaderAnswer {
  plans: RecordedPlan[];
  faults: Fault[];
}

/** Most bytes that a definition may print, and that an answer may have. */
export const maxPrintedBytes = 1024 * 1024;
const maxAnswerBytes = 16 * 1024 * 1024;

/** Runs the loading process and judges how it ended. Never throws for what a definition does. */
export async function runLoader(task: LoaderTask): Promise<LoaderAnswer> {
  const script = join(packageRoot, 'dist', 'authoring', 'loading', 'load-child.js');
  // The watchdog judges memory and can name the line; V8's own limit, which just aborts, stands behind it.
  const flags = [
    `--max-old-space-size=${task.memoryMiB + 512}`,
    '--enable-source-maps',
    '--no-warnings',
    '--disable-proto=delete',
  ];
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(task)], {
    cwd: task.root,
    env: { TZ: 'UTC', LANG: 'C.UTF-8' },
    shell: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  // The process watches itself and says where it hangs; this is for one that cannot.
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup(child);
  }, task.timeoutMs + 3_000);
  try {
    const [answer] = await Promise.all([
      collect(child.stdio[3] as Readable, maxAnswerBytes, child),
      collect(child.stdout, maxPrintedBytes, child),
      collect(child.stderr, maxPrintedBytes, child),
      ended(child),
    ]);
    return (
      parse(answer) ?? {
        plans: [],
        faults: [silence(task, late ? `took longer than ${formatDuration(task.timeoutMs)}` : describeEnd(child))],
      }
    );
  } finally {
    clearTimeout(timer);
    endGroup(child);
  }
}

function collect(stream: Readable | null, limit: number, child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((done) => {
    stream?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else endGroup(child);
    });
    stream?.on('close', () => done(Buffer.concat(chunks).toString('utf8')));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', () => done());
  });
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

function parse(answer: string): LoaderAnswer | undefined {
  return answer.endsWith('\n') ? (parseJson(answer) as LoaderAnswer | undefined) : undefined;
}

function describeEnd(child: ChildProcess): string {
  // V8 aborts when its heap is full: nothing in the process can answer any more.
  if (child.signalCode === 'SIGABRT' || child.signalCode === 'SIGTRAP' || child.exitCode === 134)
    return 'needs more memory than is allowed';
  if (child.exitCode === 13) return 'awaits something that never comes';
  return `ended its process (${child.signalCode ?? `exit ${child.exitCode}`}) before it was recorded`;
}

function silence(task: LoaderTask, what: string): Fault {
  return {
    code: 'E_DEF_LOAD',
    where: task.file,
    message: `the definition ${what}`,
    fix: `a definition only records stages; it has ${formatDuration(task.timeoutMs)} and ${task.memoryMiB} MiB`,
  };
}
