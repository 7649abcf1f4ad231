import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../authoring/package-root.js';
import type { OpenRun, SlipwayClient } from '../client/index.js';
import { downloadHistory, listOpenRuns } from '../client/index.js';
import { SlipwayError, exitCodes, printable } from '../plan/errors.js';
import { baseEnvironment } from '../processes/index.js';
import type { Divergence, History } from './divergence.js';
import { divergence } from './divergence.js';

export interface CheckUpgradeOptions {
  client: SlipwayClient;
  /** Workflow bundle to replay on; default the one of this build. */
  bundle?: string;
  /** Default: all open runs and rollouts of the namespace. */
  runs?: readonly OpenRun[];
  onChecked?(checked: number, total: number): void;
}
/** What a run did that the build would not do. */
export interface Break extends Divergence {
  message: string;
}
export interface CheckedRun extends OpenRun {
  /** Null where the build replays its history. */
  breaks: Break | null;
}

const bundleFile = join(packageRoot, 'dist', 'workflow-bundle.js');
const replayProgram = join(packageRoot, 'dist', 'workers', 'replay.js');
/** Histories on disk at once, and per replay process. */
const batchSize = 100;
const startLimitMs = 60_000;
const runLimitMs = 10_000;

/**
 * Downloads the histories of open runs and replays them on a build, in a process of its own. Changes nothing.
 * Throws `E_BUNDLE` before anything is asked and `E_REPLAY` when the replay itself does not work (78).
 */
export async function checkUpgrade(o: CheckUpgradeOptions): Promise<CheckedRun[]> {
  const bundle = o.bundle ?? bundleFile;
  if (!existsSync(bundle)) throw noBundle(bundle);
  const runs = o.runs ?? (await listOpenRuns(o.client));
  const checked: CheckedRun[] = [];
  for (let from = 0; from < runs.length; from += batchSize) {
    checked.push(...(await checkBatch(o.client, runs.slice(from, from + batchSize), bundle)));
    o.onChecked?.(checked.length, runs.length);
  }
  return checked;
}

async function checkBatch(client: SlipwayClient, runs: readonly OpenRun[], bundle: string): Promise<CheckedRun[]> {
  // Histories hold params: only this user may read the folder.
  const folder = await mkdtemp(join(tmpdir(), 'slipway-upgrade-'));
  const file = (i: number) => join(folder, `${i}.json`);
  try {
    for (const [i, run] of runs.entries()) {
      const history = await downloadHistory(client, run);
      await writeFile(file(i), `{"workflowId":${JSON.stringify(run.workflowId)},"history":${history}}`);
    }
    const errors = await replay(folder, bundle, runs.length);
    return await Promise.all(
      runs.map(async (run, i) => {
        const error = errors.get(`${i}.json`) ?? null;
        return { ...run, breaks: error === null ? null : await breakOf(error, file(i)) };
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function breakOf(message: string, file: string): Promise<Break> {
  const { history } = JSON.parse(await readFile(file, 'utf8')) as { history: History };
  return { ...divergence(message, history), message };
}

/** File → what its replay says, null for nothing. */
async function replay(folder: string, bundle: string, expected: number): Promise<Map<string, string | null>> {
  const { stdout, failure } = await run([replayProgram, '--histories', folder, '--bundle', bundle], expected);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const errors = new Map(
    lines.map((line) => {
      const { file, error } = JSON.parse(line) as { file: string; error: string | null };
      return [file, error];
    }),
  );
  if (failure === null && errors.size === expected) return errors;
  throw new SlipwayError(
    {
      code: 'E_REPLAY',
      where: bundle,
      message: `the replay ended after ${errors.size} of ${expected} histories: ${printable(failure ?? 'no error', 500)}`,
      fix: 'Check that the bundle is one that `npm run build` makes, and try again.',
    },
    exitCodes.configuration,
  );
}

function run(args: readonly string[], histories: number): Promise<{ stdout: string; failure: string | null }> {
  const options = { env: baseEnvironment(), timeout: startLimitMs + histories * runLimitMs, maxBuffer: 16e6 };
  return new Promise((done) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const failure = error === null ? null : error.killed ? 'it took too long' : stderr.trim() || error.message;
      done({ stdout, failure });
    });
  });
}

function noBundle(bundle: string): SlipwayError {
  const fix = 'Build it with `npm run build`, or name another file with --bundle.';
  const fault = { code: 'E_BUNDLE', where: bundle, message: 'there is no such workflow bundle', fix };
  return new SlipwayError(fault, exitCodes.configuration);
}
