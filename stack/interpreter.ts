import { spawnSync } from 'node:child_process';

import { exitCodes, SlipwayError } from '../plan/errors.js';
import type { Env } from './types.js';

/** A Python that virtual environments are made with. */
export interface Interpreter {
  path: string;
  /** `3.11` or later. */
  minor: string;
}

const candidates = ['python3.11', 'python3', 'python3.12', 'python3.13'];
const oldest = 11;
const question = 'import sys; print(sys.executable, "%d.%d" % sys.version_info[:2], sep="\\n")';
const found = new Map<string, Interpreter>();

/**
 * The first Python on PATH that is 3.11 or later, 3.11 preferred. Asked once per process and PATH.
 *
 * @throws SlipwayError E_ENVIRONMENT when there is none
 */
export function findInterpreter(env: Env): Interpreter {
  const key = env['PATH'] ?? '';
  const known = found.get(key);
  if (known !== undefined) return known;
  for (const candidate of candidates) {
    const answer = spawnSync(candidate, ['-c', question], { env: plainEnv(env), encoding: 'utf8', timeout: 30_000 });
    const [path, minor] = (answer.status === 0 ? answer.stdout : '').trim().split('\n');
    if (path === undefined || minor === undefined || !isEnough(minor)) continue;
    found.set(key, { path, minor });
    return { path, minor };
  }
  throw new SlipwayError(
    {
      code: 'E_ENVIRONMENT',
      where: 'PATH',
      message: `no Python 3.${oldest} or later was found; trainers, MLflow and the model servers need it`,
      fix: 'Install it (Debian and Ubuntu: `sudo apt-get install python3 python3-venv`).',
    },
    exitCodes.configuration,
  );
}

function isEnough(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === 3 && (minor ?? 0) >= oldest;
}

function plainEnv(env: Env): Record<string, string> {
  const names = ['PATH', 'HOME', 'PYENV_ROOT', 'PYENV_VERSION'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
