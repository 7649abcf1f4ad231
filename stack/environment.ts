import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

import { exitCodes, type Fault, SlipwayError } from '../plan/errors.js';
import type { Env } from './types.js';

/** What the environment must have; see `observeEnvironment`. */
export interface Environment {
  nodeVersion: string;
  architecture: string;
  hasProc: boolean;
  home: string | undefined;
  /** The folder for temporary files, and whether it is a folder. */
  temporary: { path: string; exists: boolean };
  timeZone: string | undefined;
  /** The project folder, and whether we may write there. */
  root: { path: string; writable: boolean };
}

/** Oldest patch of each supported line of Node; later even lines are taken as they come. */
const oldestNode: Record<number, number> = { 20: 19, 22: 12, 24: 0 };

/** Every way in which an environment cannot carry the stack, each with the exact requirement. Pure. */
export function checkEnvironment(e: Environment): Fault[] {
  const faults: (Fault | false)[] = [
    !isSupportedNode(e.nodeVersion) &&
      fault(
        'node',
        `Node ${e.nodeVersion} is not supported; needed is 20.19 or later, 22.12 or later, or 24 or later`,
        'Install one of these versions.',
      ),
    !['x64', 'arm64'].includes(e.architecture) &&
      fault(
        'architecture',
        `a ${e.architecture} Node runs here; needed is a 64-bit one (x64 or arm64)`,
        'Install a 64-bit Node on a 64-bit system.',
      ),
    !e.hasProc &&
      fault(
        '/proc',
        'there is no /proc; needed is Linux with /proc mounted',
        'Mount it (`mount -t proc proc /proc`); on other systems use docker-compose.yml.',
      ),
    (e.home === undefined || e.home === '') &&
      fault(
        'HOME',
        'HOME is not set; caches of downloads are kept below it',
        'Set HOME to a folder that you may write.',
      ),
    !e.temporary.exists &&
      fault('TMPDIR', `${e.temporary.path} is not a folder`, 'Set TMPDIR to a folder that exists, or unset it.'),
    !isTimeZone(e.timeZone) &&
      fault(
        'TZ',
        `\`${e.timeZone}\` is no time zone`,
        'Set TZ to a name such as `Europe/Berlin` or `UTC`, or unset it.',
      ),
    !e.root.writable &&
      fault(
        e.root.path,
        'the project folder cannot be written; data of the stack are kept in its .slipway',
        'Work in a folder that you may write.',
      ),
  ];
  return faults.filter((found) => found !== false);
}

/** Looks at this machine; `root` is the project folder. */
export function observeEnvironment(env: Env, root: string): Environment {
  const temporary = env['TMPDIR'] ?? '/tmp';
  return {
    nodeVersion: process.versions.node,
    architecture: process.arch,
    hasProc: existsSync('/proc/self/stat'),
    home: env['HOME'],
    temporary: { path: temporary, exists: isFolder(temporary) },
    timeZone: env['TZ'],
    root: { path: root, writable: canWrite(root) },
  };
}

/** @throws SlipwayError E_ENVIRONMENT (exit 78) with all that is missing */
export function assertEnvironment(env: Env, root: string): void {
  const faults = checkEnvironment(observeEnvironment(env, root));
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.configuration);
}

function fault(where: string, message: string, fix: string): Fault {
  return { code: 'E_ENVIRONMENT', where, message, fix };
}

function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || minor >= (oldestNode[major] ?? Infinity);
}

/** Unset, a name of the time zone database (a leading colon is allowed), a file, or the POSIX form `CET-1CEST`. */
function isTimeZone(value: string | undefined): boolean {
  const name = (value ?? '').replace(/^:/, '');
  if (name === '' || isAbsolute(name) || /^[A-Z]{3,}[+-]?\d/.test(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** True when `.slipway` can be written, or made, in the folder. Makes nothing. */
function canWrite(root: string): boolean {
  const own = join(root, '.slipway');
  try {
    accessSync(existsSync(own) ? own : root, constants.W_OK);
    return isFolder(root);
  } catch {
    return false;
  }
}
