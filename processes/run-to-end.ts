import { spawn } from 'node:child_process';

const tailLength = 2_048;

export interface RunOptions {
  cwd?: string;
  env: Record<string, string>;
  /** Its standard input. A program that does not read it is no failure. */
  input: string;
  /** Its group is killed when this aborts. */
  signal: AbortSignal;
  /** Bytes of standard output that are kept; of one that writes more the group is killed. Default: standard output is ignored. */
  mostBytes?: number;
}

export interface RunEnd {
  output: Buffer;
  /** The end of standard error, at most 2,048 characters. */
  said: string;
  /** How it ended otherwise than with exit code 0. */
  problem: string | undefined;
  code: number | null;
}

/**
 * Runs a program without a shell, in a group of its own, so that what it started ends with it; answers when it has ended and
 * its streams are closed. Rejects when it cannot be started.
 */
export function runToEnd(program: string, args: readonly string[], o: RunOptions): Promise<RunEnd> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      ...(o.cwd !== undefined && { cwd: o.cwd }),
      env: o.env,
      stdio: ['pipe', o.mostBytes === undefined ? 'ignore' : 'pipe', 'pipe'],
      shell: false,
      detached: true,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let said = '';
    const end = () => killGroup(child.pid);
    o.signal.addEventListener('abort', end, { once: true });
    child.once('error', (error) => {
      o.signal.removeEventListener('abort', end);
      fail(error);
    });
    child.once('close', (code, by) => {
      o.signal.removeEventListener('abort', end);
      const problem = code === 0 ? undefined : `ended with ${by ?? `exit code ${code}`}`;
      done({ output: Buffer.concat(chunks), said, problem, code });
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= (o.mostBytes ?? 0)) chunks.push(chunk);
      else end();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-tailLength)));
    child.stdin?.on('error', () => undefined).end(o.input);
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
