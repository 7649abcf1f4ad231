import { readFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import type { Debugger } from 'node:inspector';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { workerData } from 'node:worker_threads';
import { formatDuration } from '../../plan/duration.js';
import type { LoaderTask } from './run-loader.js';

/**
 * A thread beside the definition. When time or memory runs out it stops the definition with the debugger,
 * asks where it is, answers for it and ends the process: a busy loop can be named by its line.
 */
const task = workerData as LoaderTask;
const deadline = Date.now() + task.timeoutMs;
/** Code, thread and sources of the process itself, beside the definition's heap. */
const overheadMiB = 96;

const timer = setInterval(() => {
  const memory = process.memoryUsage.rss() / 1024 / 1024;
  if (Date.now() > deadline) stop(`takes longer than ${formatDuration(task.timeoutMs)}`);
  else if (memory > task.memoryMiB + overheadMiB) stop(`needs more than ${task.memoryMiB} MiB`);
}, 50);

function stop(what: string): void {
  clearInterval(timer);
  const session = new Session();
  session.connectToMainThread();
  // A definition inside one long native call never pauses.
  setTimeout(() => end(what, undefined), 1_000);
  const bundle = pathToFileURL(task.bundle).href;
  const scripts = new Set<string>();
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (params.url.startsWith(bundle)) scripts.add(params.scriptId);
  });
  session.on('Debugger.paused', ({ params }) =>
    end(what, placeOf(params.callFrames.find(({ location }) => scripts.has(location.scriptId)))),
  );
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

function placeOf(frame: Debugger.CallFrame | undefined): string | undefined {
  const encoded = /sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/.exec(
    readFileSync(task.bundle, 'utf8'),
  )?.[1];
  if (frame === undefined || encoded === undefined) return undefined;
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as SourceMapPayload);
  const entry = map.findEntry(frame.location.lineNumber, frame.location.columnNumber ?? 0);
  if (!('originalSource' in entry)) return undefined;
  const source = fileURLToPath(new URL(entry.originalSource, pathToFileURL(task.bundle)));
  return `${relative(task.root, source).split(sep).join('/')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

function end(what: string, place: string | undefined): never {
  const fault = {
    code: 'E_DEF_LOAD',
    where: place ?? task.file,
    message: `the definition ${what}`,
    fix: 'a definition only records stages: move the work into one',
  };
  writeSync(3, `${JSON.stringify({ plans: [], faults: [fault] })}\n`);
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}
