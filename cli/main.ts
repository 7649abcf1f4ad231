#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { processEnvironment } from '../config/process-environment.js';
import { SlipwayError, exitCodes, printable } from '../plan/errors.js';
import type { Io } from './cli.js';
import { Output } from './output.js';
import { makeProgram } from './program.js';
import { toSystemFault } from './system-fault.js';
import { toUsageFault } from './usage.js';

await main(process.argv.slice(2));

async function main(argv: string[]): Promise<void> {
  const { signal, interrupted } = interrupts();
  const io: Io = {
    stdout: process.stdout,
    stderr: process.stderr,
    cwd: process.cwd(),
    env: processEnvironment(),
    signal,
  };
  stopWhenNobodyReads();
  const program = makeProgram(io, packageVersion(), (code) => {
    process.exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    const told = error instanceof CommanderError ? toUsageFault(error, program, argv) : error;
    process.exitCode = told === undefined ? exitCodes.ok : tell(told, io, argv, interrupted());
  }
}

/** Prints an error for people and answers the exit code. */
function tell(error: unknown, io: Io, argv: readonly string[], interrupted: boolean): number {
  const out = new Output({ ...io, json: argv.includes('--json') });
  const debug = argv.includes('--debug');
  if (debug && error instanceof Error) io.stderr.write(`${printable(error.stack ?? error.message, Infinity)}\n`);
  if (error instanceof SlipwayError) {
    out.faults(error.faults);
    return error.exitCode;
  }
  if (interrupted) return exitCodes.interrupted;
  const refused = toSystemFault(error);
  if (refused !== undefined) {
    out.faults(refused.faults);
    return refused.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  out.faults([
    {
      code: 'E_UNEXPECTED',
      message,
      ...(debug ? {} : { fix: 'Run the same with --debug and report what it prints.' }),
    },
  ]);
  return exitCodes.temporary;
}

/**
 * A command that asks for the signal is told of the first Ctrl-C and ends by itself; the second ends the process.
 * Any other command is ended by the first.
 */
function interrupts(): { signal: () => AbortSignal; interrupted: () => boolean } {
  const controller = new AbortController();
  let asked = false;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!asked || controller.signal.aborted) process.exit(exitCodes.interrupted);
      controller.abort();
    });
  }
  const signal = (): AbortSignal => {
    asked = true;
    return controller.signal;
  };
  return { signal, interrupted: () => controller.signal.aborted };
}

/** `slipway ls | head -1` is no error. */
function stopWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(Number(process.exitCode ?? exitCodes.ok));
      throw error;
    });
  }
}

function packageVersion(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    try {
      return (JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
