import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { OpenContext } from '../adapters/open-context.js';
import { s3Options, type S3Options } from '../adapters/store/s3/options.js';
import { statOf } from '../processes/proc-fs.js';
import { down, ensurePython, type PartName, type StackState, up } from '../stack/index.js';

/** The stack that all tests of this checkout share, apart from the one that a person works with. */
export const stackRoot = resolve(import.meta.dirname, '../.slipway/test');
/** Who uses it now: a file per test run, so that the first run to end does not end it for the others. */
const users = join(stackRoot, 'users');

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
  await mkdir(stackRoot, { recursive: true });
  const state = await up({ root: stackRoot, only, env: process.env, onProgress: () => undefined });
  const secrets = await readSecrets(state);
  const address = (part: PartName): string => {
    const found = state.parts[part];
    if (found === undefined) throw new Error(`the test did not ask for ${part}`);
    return found.address;
  };
  const credentials = { accessKeyId: 'env:AWS_ACCESS_KEY_ID', secretAccessKey: 'env:AWS_SECRET_ACCESS_KEY' };
  return {
    root: stackRoot,
    state,
    context: { root: stackRoot, secret: (ref) => secrets[ref] ?? '' },
    s3: (prefix) => s3Options.parse({ adapter: 's3', endpoint: address('s3'), bucket: 'slipway', prefix, credentials }),
    address,
    python: (requirements) =>
      ensurePython({
        root: stackRoot,
        requirements: resolve(import.meta.dirname, '..', requirements),
        onProgress: () => undefined,
      }),
  };
}

/** Global setup of a test run: notes that it uses the stack; its teardown ends the stack with the last user. */
export default async function setup(): Promise<() => Promise<void>> {
  await mkdir(users, { recursive: true });
  // Each project of a test run has a setup of its own.
  const mine = join(users, `${process.pid}-${randomBytes(4).toString('hex')}`);
  await writeFile(mine, statOf(process.pid)?.startTime ?? '');
  return async () => {
    await rm(mine, { force: true });
    if (!(await hasUsers())) await down({ root: stackRoot, onProgress: () => undefined });
  };
}

async function hasUsers(): Promise<boolean> {
  for (const user of await readdir(users)) {
    const startTime = await readFile(join(users, user), 'utf8').catch(() => '');
    if (statOf(Number.parseInt(user, 10))?.startTime === startTime) return true;
    // A run that was killed could not sign off.
    await rm(join(users, user), { force: true });
  }
  return false;
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
