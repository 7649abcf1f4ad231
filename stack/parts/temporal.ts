import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { searchAttributes } from '../../plan/names.js';
import { baseEnvironment } from '../../processes/index.js';
import { ensureProgram, programs } from '../binaries.js';
import { run, type RunResult } from '../run.js';
import { type Launch, type Part, type PartContext, port, stateOf } from './part.js';

const retention = '30d';
const commandTimeoutMs = 15_000;

export const temporal: Part = {
  name: 'temporal',
  needs: [],
  after: [],
  ports: { temporal: 7233, 'temporal-ui': 8233 },
  externalVariable: 'SLIPWAY_TEMPORAL_ADDRESS',
  describe: (ports) => ({
    address: `127.0.0.1:${port(ports, 'temporal')}`,
    ui: `http://127.0.0.1:${port(ports, 'temporal-ui')}`,
  }),
  install: async (context) => void (await program(context)),
  launch,
  isReady: async (context) => (await temporalCommand(context, ['operator', 'cluster', 'health'])).code === 0,
  furnish,
};

async function launch(context: PartContext): Promise<Launch> {
  const folder = context.paths.data('temporal');
  await mkdir(folder, { recursive: true });
  const args = [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${port(context.ports, 'temporal')}`,
    '--ui-ip=127.0.0.1',
    `--ui-port=${port(context.ports, 'temporal-ui')}`,
    '--ui-disable-news-fetch',
    `--db-filename=${join(folder, 'temporal.db')}`,
    // The default journal waits for the disk on every write: a fifth to a tenth of the throughput.
    '--sqlite-pragma=journal_mode=wal',
    '--sqlite-pragma=synchronous=1',
    // The one shard's queues are read 20 times a second by default, so that each workflow task would wait 50 ms.
    '--dynamic-config-value=history.transferProcessorMaxPollRPS=2000',
    '--dynamic-config-value=history.timerProcessorMaxPollRPS=2000',
    // Whose job is next where jobs wait for a slot: by priority, then teams in turn. One line per queue keeps the order exact.
    '--dynamic-config-value=matching.useNewMatcher=true',
    '--dynamic-config-value=matching.enableFairness=true',
    '--dynamic-config-value=matching.numTaskqueueReadPartitions=1',
    '--dynamic-config-value=matching.numTaskqueueWritePartitions=1',
    ...Object.entries(searchAttributes).map(([name, type]) => `--search-attribute=${name}=${type}`),
    '--log-level=warn',
    '--log-format=json',
  ];
  return { command: await program(context), args, env: baseEnvironment() };
}

/** Keeps finished runs for a month, and makes sure that every search attribute exists: an unknown one hangs a run. */
async function furnish(context: PartContext): Promise<void> {
  if (stateOf(context, 'temporal').external !== true) {
    assertDone(
      await temporalCommand(context, [
        'operator',
        'namespace',
        'update',
        '--namespace',
        'default',
        '--retention',
        retention,
      ]),
    );
  }
  const missing = await missingSearchAttributes(context);
  if (missing.length === 0) return;
  const pairs = missing.flatMap(([name, type]) => ['--name', name, '--type', type]);
  assertDone(await temporalCommand(context, ['operator', 'search-attribute', 'create', ...pairs]));
}

/** Search attributes that the server does not know (or knows under another type), with the type wanted. */
export async function missingSearchAttributes(context: PartContext): Promise<[name: string, type: string][]> {
  const listed = await temporalCommand(context, ['operator', 'search-attribute', 'list', '-o', 'json']);
  assertDone(listed);
  const { customAttributes } = JSON.parse(listed.output) as { customAttributes?: Record<string, string> };
  return Object.entries(searchAttributes).filter(
    ([name, type]) => customAttributes?.[name] !== `INDEXED_VALUE_TYPE_${type.toUpperCase()}`,
  );
}

/** How many pollers a task queue has. */
export async function pollersOf(context: PartContext, taskQueue: string): Promise<number> {
  const described = await temporalCommand(context, ['task-queue', 'describe', '--task-queue', taskQueue, '-o', 'json']);
  assertDone(described);
  return (JSON.parse(described.output) as { pollers?: unknown[] | null }).pollers?.length ?? 0;
}

/** Runs Temporal's own command-line tool against the server of the stack. */
async function temporalCommand(context: PartContext, args: string[]): Promise<RunResult> {
  const { address, external } = stateOf(context, 'temporal');
  // A profile in the home folder could send us elsewhere; one that runs elsewhere may need just that for TLS.
  const own = external === true ? temporalVariables(context) : {};
  const profile = external === true ? [] : ['--disable-config-file'];
  const env = { ...baseEnvironment(), ...own };
  return run(await program(context), [...args, '--address', address, ...profile], { env, timeoutMs: commandTimeoutMs });
}

function temporalVariables(context: PartContext): Record<string, string> {
  const entries = Object.entries(context.env).filter(
    (entry): entry is [string, string] => entry[0].startsWith('TEMPORAL_') && entry[1] !== undefined,
  );
  return Object.fromEntries(entries);
}

const located = new WeakMap<PartContext, Promise<string>>();

function program(context: PartContext): Promise<string> {
  let path = located.get(context);
  if (path === undefined) {
    path = ensureProgram(programs.temporal, { ...context, part: 'temporal' });
    located.set(context, path);
  }
  return path;
}

function assertDone(result: RunResult): void {
  if (result.code === 0) return;
  throw new SlipwayError(
    {
      code: 'E_DEPENDENCY',
      where: 'temporal',
      message: (result.errors || result.output).trim().split('\n').slice(-3).join('\n'),
      fix: 'See the log of the server in .slipway/stack/logs/temporal.log, or check SLIPWAY_TEMPORAL_ADDRESS.',
    },
    exitCodes.unavailable,
  );
}
