import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { OpenContext } from '../adapters/open-context.js';
import { s3Options, type S3Options } from '../adapters/store/s3/options.js';
import { prepareFolder } from '../operations/demo/folder.js';
import { tryMachineLock, withMachineLock } from '../processes/index.js';
import { down, ensurePython, type PartName, partNames, readState, type StackState, up } from '../stack/index.js';

const repository = resolve(import.meta.dirname, '..');
/** The project, and the servers below it, that all tests of a test run share. */
export const projectRoot = join(repository, '.slipway/test');
/** The parts that this test run has started. */
const startedFile = join(projectRoot, 'started-parts.json');
const quiet = (): void => undefined;

export interface TestStack {
  root: string;
  state: StackState;
  /** For adapters: secrets of the form `env:NAME` name the stack's own credentials. */
  context: OpenContext;
  /** Options of a store on the stack's S3, with a prefix of its own; only when `s3` was asked for. */
  s3(prefix: string): S3Options;
  /** Address of a part; throws when it was not asked for. */
  address(part: PartName): string;
  /** Python of a lock file, such as `trainers/launcher/requirements.txt`; installed when it is missing. */
  python(requirements: string): Promise<string>;
}

/** Starts the parts that a test needs, or finds those that run. Ended by the teardown of the test run. */
export async function provideStack(only: PartName[]): Promise<TestStack> {
  const state = await ensureParts(only);
  const secrets = await readSecrets(state);
  const address = (part: PartName): string => {
    const found = state.parts[part];
    if (found === undefined) throw new Error(`the test did not ask for ${part}`);
    return found.address;
  };
  const credentials = { accessKeyId: 'env:AWS_ACCESS_KEY_ID', secretAccessKey: 'env:AWS_SECRET_ACCESS_KEY' };
  return {
    root: projectRoot,
    state,
    context: { root: projectRoot, secret: (ref) => secrets[ref] ?? '' },
    s3: (prefix) => s3Options.parse({ adapter: 's3', endpoint: address('s3'), bucket: 'slipway', prefix, credentials }),
    address,
    python: (requirements) =>
      ensurePython({ root: projectRoot, requirements: resolve(repository, requirements), onProgress: quiet }),
  };
}

/**
 * Starts parts once per test run. Files that run side by side share them: a part that another file has started is neither asked
 * again nor replaced, so that a slow answer on a busy machine cannot take a server away from the others.
 */
export function ensureParts(only: readonly PartName[] = partNames): Promise<StackState> {
  return withMachineLock(`${projectRoot}: parts`, async () => {
    const started = await startedParts();
    const missing = only.filter((part) => !started.includes(part));
    if (missing.length > 0) {
      await up({ root: projectRoot, only: missing, env: process.env, onProgress: quiet });
      await writeFile(startedFile, JSON.stringify([...started, ...missing]));
    }
    return (await readState(projectRoot)) ?? { format: 1, parts: {} };
  });
}

async function startedParts(): Promise<PartName[]> {
  const text = await readFile(startedFile, 'utf8').catch(() => '[]');
  return JSON.parse(text) as PartName[];
}

interface Turn {
  /** Vitest projects of this process that use the stack. */
  users: number;
  release(): Promise<void>;
}
const turnKey = Symbol.for('slipway: the turn of this test run');
const turns = globalThis as unknown as Record<symbol, Promise<Turn> | undefined>;

/**
 * Global setup of the vitest projects that need more than their own process: a fresh project before the first of them, and the
 * end of its servers after the last. Test runs of one checkout take turns.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const turn = await (turns[turnKey] ??= takeTurn());
  turn.users += 1;
  return async () => {
    turn.users -= 1;
    if (turn.users > 0) return;
    await down({ root: projectRoot, onProgress: quiet });
    await turn.release();
  };
}

async function takeTurn(): Promise<Turn> {
  let release = await tryMachineLock(projectRoot);
  while (release === undefined) {
    await sleep(500);
    release = await tryMachineLock(projectRoot);
  }
  await prepareFolder(repository, 'test', quiet);
  return { users: 0, release };
}

async function readSecrets(state: StackState): Promise<Record<string, string>> {
  const file = state.parts.s3?.credentialsFile;
  if (file === undefined) {
    return {
      'env:AWS_ACCESS_KEY_ID': process.env['AWS_ACCESS_KEY_ID'] ?? '',
      'env:AWS_SECRET_ACCESS_KEY': process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
    };
  }
  const found = JSON.parse(await readFile(file, 'utf8')) as { accessKeyId: string; secretAccessKey: string };
  return { 'env:AWS_ACCESS_KEY_ID': found.accessKeyId, 'env:AWS_SECRET_ACCESS_KEY': found.secretAccessKey };
}
