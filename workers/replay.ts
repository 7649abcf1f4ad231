import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker, type ReplayHistoriesIterable } from '@temporalio/worker';
import { exitCodes, printable } from '../plan/errors.js';
import { bundlePath } from './bundle-path.js';

/**
 * A process of its own: replays the histories of a folder (`<number>.json`, each `{ workflowId, history }`) on a workflow bundle.
 * Prints one line of JSON per history: `{ file, error }`, the error null where it replays.
 */
async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { histories: text, bundle: text } });
  const folder = values.histories ?? '.';
  const silent = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger: silent, telemetryOptions: { logging: { filter: 'OFF' } } });
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  const options = { workflowBundle: { codePath: path.resolve(values.bundle ?? bundlePath) }, replayName: 'upgrade' };
  let next = 0;
  for await (const { error } of Worker.runReplayHistories(options, read(folder, files))) {
    const line = { file: files[next++], error: error === undefined ? null : told(error) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

/** One at a time: a history may be large. */
async function* read(folder: string, files: readonly string[]): ReplayHistoriesIterable {
  for (const file of files) {
    const { workflowId, history } = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as {
      workflowId: string;
      history: unknown;
    };
    yield { workflowId, history: historyFromJSON(history) };
  }
}

/** The SDK wraps the one sentence that matters in a dump of its structures. */
function told(error: Error): string {
  return printable(/\[TMPRL\d+\] ([^"]+)"/.exec(error.message)?.[1] ?? error.message, 500);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String((error as Error).message)}\n`);
  process.exit(exitCodes.temporary);
});
