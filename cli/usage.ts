import type { Command, CommanderError, Option } from 'commander';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';
import { priorities } from '../plan/turn.js';

export function usageFault(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_USAGE', where, message, fix }, exitCodes.usage);
}

/** What commander says about a command line, in our words; undefined when it only showed help. */
export function toUsageFault(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): SlipwayError | undefined {
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const command = commandOf(program, argv);
  const help = `See \`${pathOf(command)} --help\`.`;
  switch (error.code) {
    case 'commander.helpDisplayed':
    case 'commander.version':
      return undefined;
    case 'commander.help':
      return usageFault(program.name(), 'a command is needed', help);
    case 'commander.unknownCommand':
      return usageFault(
        named,
        unknownName(
          'command',
          named,
          command.commands.map((c) => c.name()),
        ),
        help,
      );
    case 'commander.unknownOption': {
      // The value may be a secret that somebody typed: only the flag is shown.
      const flag = named.split('=')[0] ?? '';
      const fix = secretFlag.test(flag) ? `No secret is a flag: ${secretReference} ${help}` : help;
      return usageFault(flag, unknownName('flag', flag, flagsOf(program, command)), fix);
    }
    case 'commander.optionMissingArgument':
      return usageFault(named.split(' ')[0] ?? '', 'this flag needs a value', help);
    case 'commander.missingArgument':
      return usageFault(command.name(), `the argument <${named}> is missing`, help);
    default:
      return usageFault(command.name(), error.message.replace(/^error: /, ''), help);
  }
}

const secretFlag = /secret|token|passw|credential|(api|access|private)-?key/i;
const secretReference =
  'use a secret reference, `env:NAME` or `file:PATH`, in slipway.config.ts or in `secrets` of the stage.';

function commandOf(program: Command, argv: readonly string[]): Command {
  const command = program.commands.find((c) => argv.includes(c.name()));
  return command === undefined ? program : commandOf(command, argv);
}

function flagsOf(program: Command, command: Command): string[] {
  return [...new Set([...command.options, ...program.options].map((o) => o.long ?? o.flags))];
}

/** The value of a flag that counts something. Throws `E_USAGE` (2). */
export function wholeNumber(flag: string, given: unknown, from: number, to: number): number {
  const number = /^\d{1,9}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (number >= from && number <= to) return number;
  throw usageFault(flag, `expected a whole number from ${from} to ${to}`, 'See the help of the command.');
}

/** `--priority`, when it was given. Throws `E_USAGE` (2). */
export function priorityFlag({ priority }: Record<string, unknown>): { priority?: number } {
  if (priority === undefined) return {};
  return { priority: wholeNumber('--priority', priority, priorities.first, priorities.last) };
}

/** A command with all that are below it. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `slipway schedule create`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Refuses a flag that is given twice unless it collects, and a flag's value that is itself a flag. */
export function watchFlags(command: Command): void {
  for (const option of command.options) {
    let seen = false;
    command.on(`option:${option.name()}`, (value: unknown) => {
      const flag = option.long ?? option.flags;
      const help = `See \`${pathOf(command)} --help\`.`;
      if (seen && !collects(option)) throw usageFault(flag, 'this flag is given twice', help);
      seen = true;
      if (option.required && typeof value === 'string' && value.startsWith('--')) {
        throw usageFault(flag, 'this flag needs a value', help);
      }
    });
  }
}

function collects(option: Option): boolean {
  return option.variadic || Array.isArray(option.defaultValue);
}

/** For `.argParser`: every value of a flag that may be given often. */
export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}
