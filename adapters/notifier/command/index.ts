import { durationMs } from '../../../plan/duration.js';
import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { RunEvent } from '../../../plan/messages.js';
import { baseEnvironment, runToEnd } from '../../../processes/index.js';
import { withDeadline } from '../../deadline.js';
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
    send: (event: RunEvent, key: string, caller?: AbortSignal) =>
      withDeadline(durationMs(options.timeout), caller, async (signal) => {
        const env = { ...baseEnvironment(), SLIPWAY_EVENT_KEY: key };
        const input = `${JSON.stringify(event)}\n`;
        const run = runToEnd(program, args, { cwd: context.root, env, input, signal });
        const { code, problem, said } = await run.catch((error: Error) => {
          throw failure(program, error.message, '', false);
        });
        if (problem === undefined) return;
        caller?.throwIfAborted();
        if (signal.aborted) throw failure(program, `did not end within ${options.timeout}`, said, true);
        throw failure(program, problem, said, code === exitCodes.temporary);
      }),
  };
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
