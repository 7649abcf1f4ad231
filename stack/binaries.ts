import { existsSync } from 'node:fs';
import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

import { baseEnvironment } from '../processes/index.js';
import { ensurePython, pythonPathFor } from './python.js';
import { requirementsFile } from './paths.js';
import { run } from './run.js';
import type { Env, OnProgress, PartName } from './types.js';

/** A program that the stack can take from PATH. */
export interface Program {
  name: string;
  versionArgs: readonly string[];
  /** An older one on PATH is passed over. */
  oldest: readonly [number, number];
}

export const programs = {
  temporal: { name: 'temporal', versionArgs: ['--version'], oldest: [1, 5] },
  weed: { name: 'weed', versionArgs: ['version'], oldest: [4, 40] },
  envoy: { name: 'envoy', versionArgs: ['--version'], oldest: [1, 36] },
  prometheus: { name: 'prometheus', versionArgs: ['--version'], oldest: [2, 42] },
} as const satisfies Record<string, Program>;

export interface Found {
  path: string;
  /** `1.40` and the like. */
  version: string;
}

/** The program on PATH, if it starts there and is new enough. */
export async function findOnPath(program: Program, env: Env): Promise<Found | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((entry) => isAbsolute(entry))) {
    const path = join(folder, program.name);
    if (!(await isExecutable(path))) continue;
    const { code, output, errors } = await run(path, program.versionArgs, {
      env: baseEnvironment(),
      timeoutMs: 30_000,
    });
    const version = /(\d+)\.(\d+)(\.\d+)?/.exec(output + errors);
    if (code !== 0 || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    const isEnough = major > program.oldest[0] || (major === program.oldest[0] && minor >= program.oldest[1]);
    if (isEnough) return { path, version: version[0] };
  }
  return undefined;
}

/** Finds a program on PATH, else installs the locked packages that hold it. */
export async function ensureProgram(
  program: typeof programs.temporal | typeof programs.weed | typeof programs.envoy,
  o: { root: string; env: Env; part: PartName; onProgress: OnProgress },
): Promise<string> {
  const onPath = await findOnPath(program, o.env);
  if (onPath !== undefined) return onPath.path;
  const python = await ensurePython({ ...o, requirements: requirementsFile('tools') });
  return inWheel(python, program.name);
}

/** Path of Temporal's time-skipping test server; `ensurePython` with the requirements of the tools puts it there. */
export function testServerPath(root: string): string {
  return join(dirname(pythonPathFor(root, requirementsFile('tools'))), 'temporal-test-server');
}

/** Where the locked packages hold a program; undefined while they are not installed. */
export async function findInWheel(root: string, name: string, env: Env): Promise<string | undefined> {
  const python = pythonPathFor(root, requirementsFile('tools'), env);
  return existsSync(python) ? inWheel(python, name) : undefined;
}

async function inWheel(python: string, name: string): Promise<string> {
  if (name !== 'envoy') return join(dirname(python), name);
  // Its script in bin/ is a Python program that starts this one.
  const lib = join(dirname(python), '..', 'lib');
  const [version] = await readdir(lib);
  return join(lib, version ?? '', 'site-packages', 'envoy', '_bin', 'envoy');
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
