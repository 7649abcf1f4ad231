import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { withoutUndefined } from '../plan/json.js';

export interface RunResult {
  code: number;
  /** Standard output. */
  output: string;
  /** Standard error; why it could not be started if it could not. */
  errors: string;
}

/**
 * Runs a command to its end, without a shell.
 *
 * @param o.onLine called for each line of standard error as it comes
 * @param o.timeoutMs ends it (code 124) after that time; default none
 */
export function run(
  command: string,
  args: readonly string[],
  o: { env: Record<string, string>; cwd?: string; onLine?: (line: string) => void; timeoutMs?: number },
): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: o.env,
      ...withoutUndefined({ cwd: o.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
    });
    const result = { output: '', errors: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (result.output += text));
    createInterface({ input: child.stderr }).on('line', (line) => {
      result.errors += `${line}\n`;
      o.onLine?.(line);
    });
    let late = false;
    const timer = o.timeoutMs === undefined ? undefined : setTimeout(() => (late = child.kill('SIGKILL')), o.timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: 127, ...result, errors: error.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? 1), ...result });
    });
  });
}
