import { durationMs } from '../../../plan/duration.js';
import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { baseEnvironment, runToEnd } from '../../../processes/index.js';
import { withDeadline } from '../../deadline.js';
import type { OpenContext } from '../../open-context.js';
import type { Vault } from '../port.js';
import type { CommandVaultOptions } from './options.js';

const mostBytes = 64 * 1024;

/**
 * Runs the program once per secret. What it prints, less one line end, is the secret; exit code 75 and silence for too long
 * may pass, everything else is a refusal, told with the end of its standard error.
 */
export function openCommandVault(options: CommandVaultOptions, context: OpenContext): Vault {
  const [program, ...args] = options.run;
  return {
    read: (path, caller) =>
      withDeadline(durationMs(options.timeout), caller, async (signal) => {
        const passed = options.pass.map((name) => [name, context.secret(`env:${name}`)]);
        const env = { ...baseEnvironment(), ...(Object.fromEntries(passed) as Record<string, string>) };
        const run = runToEnd(program, [...args, path], { cwd: context.root, env, input: '', signal, mostBytes });
        const { code, problem, said, output } = await run.catch((error: Error) => {
          throw refusal(path, `${printable(program)} cannot be started: ${error.message}`);
        });
        caller?.throwIfAborted();
        if (signal.aborted) throw silence(path, `${printable(program)} did not end within ${options.timeout}`);
        const words = `${printable(program)} ${problem}${said.trim() === '' ? '' : `; it said:\n${printable(said.trim())}`}`;
        if (code === exitCodes.temporary) throw silence(path, words);
        if (problem !== undefined) throw refusal(path, words);
        return textOf(output, path);
      }),
  };
}

function textOf(output: Buffer, path: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(output).replace(/\r?\n$/, '');
  } catch {
    throw refusal(path, 'what it gave is no text');
  }
  if (text === '') throw refusal(path, 'what it gave is empty');
  return text;
}

function silence(where: string, message: string): SlipwayError {
  const fix = 'it is asked again; see whether the vault is up';
  return new SlipwayError({ code: 'E_UNAVAILABLE', where, message, fix }, exitCodes.temporary);
}

function refusal(where: string, message: string): SlipwayError {
  const fix = 'run the program of the vault by hand, as the worker does, with this path as its last argument';
  return new SlipwayError({ code: 'E_VAULT', where, message, fix }, exitCodes.permission);
}
