import { spawn } from 'node:child_process';

import { durationMs } from '../../../plan/duration.js';
import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { RunEvent } from '../../../plan/messages.js';
import { baseEnvironment } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { Notifier } from '../port.js';
import type { CommandOptions } from './options.js';

const tailLength = 2_048;

/**
 * Starts the program once per event: JSON on standard input, the key in `SLIPWAY_EVENT_KEY`. A key may come again after a crash of
 * ours; a program that must tell once remembers it.
 *
 * `send` throws SlipwayError with the end of its standard error: `E_UNAVAILABLE` when it exits 75 or takes too long, `E_NOTIFIER`
 * when it exits otherwise or cannot be started.
 */
export function openCommandNotifier(options: CommandOptions, context: OpenContext): Notifier {
  const [program, ...args] = options.run;
  return {
    send: (event: RunEvent, key: string, signal?: AbortSignal) =>
      new Promise((done, fail) => {
        signal?.throwIfAborted();
        const child = spawn(program, args, {
          cwd: context.root,
          env: { ...baseEnvironment(), SLIPWAY_EVENT_KEY: key },
          stdio: ['pipe', 'ignore', 'pipe'],
          shell: false,
          // A group of its own, so that what it starts ends with it.
          detached: true,
        });
        let tail = '';
        const limit = AbortSignal.any([AbortSignal.timeout(durationMs(options.timeout)), ...(signal ? [signal] : [])]);
        const end = () => endGroup(child.pid);
        limit.addEventListener('abort', end, { once: true });
        const settle = (problem?: string, temporary = false) => {
          limit.removeEventListener('abort', end);
          if (problem === undefined) done();
          else if (signal?.aborted === true) fail(signal.reason as Error);
          else if (limit.aborted) fail(failure(program, `did not end within ${options.timeout}`, tail, true));
          else fail(failure(program, problem, tail, temporary));
        };
        child.once('error', (error) => settle(error.message));
        child.once('close', (code, by) => {
          if (code === 0) settle();
          else settle(`ended with ${by ?? `exit code ${code}`}`, code === exitCodes.temporary);
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-tailLength)));
        // A program that does not read its input is no failure.
        child.stdin.on('error', () => undefined).end(`${JSON.stringify(event)}\n`);
      }),
  };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function failure(program: string, problem: string, tail: string, temporary: boolean): SlipwayError {
  const said = tail.trim() === '' ? '' : `; it said:\n${printable(tail.trim(), tailLength)}`;
  return new SlipwayError(
    {
      code: temporary ? 'E_UNAVAILABLE' : 'E_NOTIFIER',
      message: `${printable(program)} ${problem}${said}`,
      where: 'notifier',
      fix: 'start it by hand with an event on its standard input',
    },
    temporary ? exitCodes.temporary : exitCodes.unavailable,
  );
}
