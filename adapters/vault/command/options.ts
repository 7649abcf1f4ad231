import { z } from 'zod';

import { parseDuration } from '../../../plan/duration.js';

const longestMs = 120_000;

export const commandVaultOptions = z.strictObject({
  adapter: z.literal('command'),
  /** argv of the program, started without a shell in the project folder; the path is its last argument. */
  run: z.tuple([z.string().min(1)], z.string()),
  /** Variables of the worker that the program gets besides `PATH`, `HOME` and the like, such as `VAULT_ADDR`. Default none. */
  pass: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable')).default([]),
  /** How long it may take, at most `2m`. Default `15s`. */
  timeout: z
    .string()
    .refine((text) => {
      const ms = parseDuration(text);
      return ms !== undefined && ms > 0 && ms <= longestMs;
    }, 'expected a duration from 1ms to 2m, such as `15s`')
    .default('15s'),
});
export type CommandVaultOptions = z.output<typeof commandVaultOptions>;
/** The options as an author writes them: defaults may be left out. */
export type CommandVaultInput = z.input<typeof commandVaultOptions>;

/** A vault that is asked by a program: it prints the secret at the path that it is given. */
export function commandVault(options: Omit<CommandVaultInput, 'adapter'>): CommandVaultInput {
  return { adapter: 'command', ...options };
}
