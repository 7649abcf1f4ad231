import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { exitCodes, SlipwayError } from '../plan/errors.js';
import { baseEnvironment } from '../processes/index.js';
import { findInterpreter, type Interpreter } from './interpreter.js';
import { withLock } from './lock.js';
import { pathsOf, requirementsFile } from './paths.js';
import { run } from './run.js';
import type { Env, OnProgress, ProgressEvent } from './types.js';
import { withoutUndefined } from '../plan/json.js';

const completeMarker = '.complete';
/** Settings of package installers (index, proxies, certificates) that they need to reach their registry. */
const installerVariables = /^(PIP_|UV_|SSL_CERT_|REQUESTS_CA_BUNDLE$|CURL_CA_BUNDLE$|XDG_CACHE_HOME$)/;

export interface PythonOptions {
  root: string;
  /** A lock file with hashes, as `uv pip compile --generate-hashes` writes it. */
  requirements: string;
  onProgress: OnProgress;
  /** Default: what processes that we start may see. */
  env?: Env;
  /** Under which part progress is shown; default `python`. */
  part?: ProgressEvent['part'];
}

/** Where `ensurePython` puts the Python for these requirements; it need not be there yet. */
export function pythonPathFor(root: string, requirements: string, env: Env = baseEnvironment()): string {
  return join(environmentFolder(root, requirements, findInterpreter(env)), 'bin', 'python');
}

/**
 * Makes the virtual environment for a lock file unless it is there, every package checked against its hash.
 * Callers at the same time, also in other processes, wait for each other; an unfinished one is made again.
 *
 * @returns path of its Python
 * @throws SlipwayError E_DOWNLOAD (exit 69) with the installer's last lines
 */
export async function ensurePython(o: PythonOptions): Promise<string> {
  const env = o.env ?? baseEnvironment();
  const interpreter = findInterpreter(env);
  const folder = environmentFolder(o.root, o.requirements, interpreter);
  const python = join(folder, 'bin', 'python');
  if (isComplete(folder)) return python;
  const wait = () => report(o, 'install', 'waits for another installation of the same packages');
  const { python: parent } = pathsOf(o.root);
  await mkdir(parent, { recursive: true });
  // Several projects may share one folder through a link.
  await withLock(join(await realpath(parent), basename(folder)), wait, async () => {
    if (isComplete(folder)) return;
    await rm(folder, { recursive: true, force: true });
    const started = Date.now();
    if (o.requirements === requirementsFile('uv')) await installWithPip(o, interpreter, folder, env);
    else await installWithUv(o, interpreter, folder, env);
    await writeFile(join(folder, completeMarker), '');
    report(o, 'install', 'Python packages are installed', (Date.now() - started) / 1000);
  });
  return python;
}

function environmentFolder(root: string, requirements: string, interpreter: Interpreter): string {
  const digest = createHash('sha256').update(readFileSync(requirements)).update(interpreter.minor).digest('hex');
  return join(pathsOf(root).python, digest.slice(0, 16));
}

function isComplete(folder: string): boolean {
  return existsSync(join(folder, completeMarker)) && existsSync(join(folder, 'bin', 'python'));
}

async function installWithUv(o: PythonOptions, interpreter: Interpreter, folder: string, env: Env): Promise<void> {
  const uv = await ensurePython({ ...o, requirements: requirementsFile('uv') });
  const command = join(uv, '..', 'uv');
  await step(o, env, command, ['venv', '--quiet', '--no-project', '--python', interpreter.path, folder]);
  const sync = ['pip', 'sync', '--no-config', '--require-hashes', '--compile-bytecode'];
  await step(o, env, command, [...sync, '--python', join(folder, 'bin', 'python'), o.requirements]);
}

async function installWithPip(o: PythonOptions, interpreter: Interpreter, folder: string, env: Env): Promise<void> {
  report(o, 'download', 'uv, which installs Python packages');
  await step(o, env, interpreter.path, ['-m', 'venv', folder]);
  const install = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--require-hashes',
    '--only-binary',
    ':all:',
    '-r',
    o.requirements,
  ];
  await step(o, env, join(folder, 'bin', 'python'), install);
}

async function step(o: PythonOptions, env: Env, command: string, args: string[]): Promise<void> {
  const onLine = (line: string) => {
    const detail = /^\s*(Downloading|Prepared|Installed|Bytecode)\b.*/.exec(line)?.[0].trim();
    if (detail !== undefined) report(o, detail.startsWith('Downloading') ? 'download' : 'install', detail);
  };
  const { code, errors, output } = await run(command, args, { env: installerEnv(env), onLine });
  if (code === 0) return;
  const venvMissing = /ensurepip|python3[.\d]*-venv/.test(errors + output);
  throw new SlipwayError(
    {
      code: 'E_DOWNLOAD',
      where: `${command} ${args.join(' ')}`,
      message: (errors.trim() || output.trim()).split('\n').slice(-8).join('\n'),
      fix: venvMissing
        ? 'Install the venv module (Debian and Ubuntu: `sudo apt-get install python3-venv`).'
        : 'Check the network and the package index settings (PIP_INDEX_URL, UV_DEFAULT_INDEX, HTTPS_PROXY), then repeat the command.',
    },
    exitCodes.unavailable,
  );
}

function installerEnv(env: Env): Record<string, string> {
  const settings = Object.entries(env).filter(
    (entry): entry is [string, string] => installerVariables.test(entry[0]) && entry[1] !== undefined,
  );
  return { ...baseEnvironment(), ...Object.fromEntries(settings), UV_PYTHON_DOWNLOADS: 'never' };
}

function report(o: PythonOptions, phase: ProgressEvent['phase'], detail: string, seconds?: number): void {
  o.onProgress({ part: o.part ?? 'python', phase, detail, ...withoutUndefined({ seconds }) });
}
