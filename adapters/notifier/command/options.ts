import { z } from 'zod';

import { parseDuration } from '../../../plan/duration.js';

const longestMs = 300_000;

export const commandOptions = z.strictObject({
  adapter: z.literal('command'),
  /** argv of the program, started without a shell in the project folder. */
  run: z.tuple([z.string().min(1)], z.string()),
  /** How long it may take, at most `5m`. Default `10s`. */
  timeout: z
    .string()
    .refine((text) => {
      const ms = parseDuration(text);
      return ms !== undefined && ms > 0 && ms <= longestMs;
    }, 'expected a duration from 1ms to 5m, such as `10s`')
    .default('10s'),
});
export type CommandOptions = z.output<typeof commandOptions>;
/** The options as an author writes them: defaults may be left out. */
export type CommandInput = z.input<typeof commandOptions>;

/** Tells people by a program of theirs: the event comes as JSON on its standard input. */
export function command(options: Omit<CommandInput, 'adapter'>): CommandInput {
  return { adapter: 'command', ...options };
}
