import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../authoring/package-root.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { Env } from '../stack/index.js';

/**
 * Runs a program of the built package, such as `workers/main.js`, as a child in the foreground and answers its exit code.
 * SIGTERM and SIGINT are passed on. Throws `E_ENVIRONMENT` (78) when the package is not built.
 */
export async function runProgram(o: { path: string; args: string[]; root: string; env: Env }): Promise<number> {
  const program = join(packageRoot, 'dist', o.path);
  if (!existsSync(program)) throw notBuilt(program);
  const child = spawn(process.execPath, [program, ...o.args], { cwd: o.root, env: o.env, stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', forward);
  process.on('SIGINT', forward);
  try {
    return await new Promise<number>((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) => done(code ?? exitCodes.temporary));
    });
  } finally {
    process.off('SIGTERM', forward);
    process.off('SIGINT', forward);
  }
}

function notBuilt(program: string): SlipwayError {
  const fault = { code: 'E_ENVIRONMENT', where: program, message: 'the package is not built', fix: 'npm run build' };
  return new SlipwayError(fault, exitCodes.configuration);
}
