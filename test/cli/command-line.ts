import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../../dist/cli/main.js');

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}
export interface Running {
  /** Resolves once the text was printed so many times, default once. */
  printed(text: string, times?: number): Promise<void>;
  interrupt(): void;
  ended: Promise<Ended>;
}

/** Starts the built command line in a folder, with nothing of this process's environment but what programs need. */
export function startSlipway(
  cwd: string,
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Running {
  const { PATH = '', HOME = '', USER = 'tester' } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH, HOME, USER, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      for (const look of watchers) look();
    });
  }
  const count = (wanted: string): number => (text.stdout + text.stderr).split(wanted).length - 1;
  return {
    printed: (wanted, times = 1) =>
      new Promise((done) => {
        const look = (): void => {
          if (count(wanted) < times) return;
          watchers.delete(look);
          done();
        };
        watchers.add(look);
        look();
      }),
    interrupt: () => void child.kill('SIGINT'),
    ended: new Promise((done) => child.on('close', (code) => done({ code, ...text }))),
  };
}

export function slipway(cwd: string, ...args: string[]): Promise<Ended> {
  return startSlipway(cwd, args).ended;
}

/** A folder of this repository, for commands that need no project of their own. */
export const repository = join(import.meta.dirname, '../..');
