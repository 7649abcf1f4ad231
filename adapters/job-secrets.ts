import { exitCodes, SlipwayError } from '../plan/errors.js';
import type { OpenContext } from './open-context.js';

/** What Linux takes as one variable with its name, less room for ours. */
const mostBytes = 130_000;

/**
 * The values of a job's secrets by variable, looked up now; those that a vault keeps are asked for at once.
 * Throws `E_SECRET_REF` (78), also for what no variable can hold, and what a vault says of a secret that it does not give.
 */
export async function jobSecrets(
  { secrets }: { secrets: Record<string, string> },
  context: OpenContext,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const values = Object.entries(secrets).map(async ([name, ref]) => [
    name,
    checked(await valueOf(ref, context, signal), ref),
  ]);
  return Object.fromEntries(await Promise.all(values)) as Record<string, string>;
}

async function valueOf(reference: string, context: OpenContext, signal?: AbortSignal): Promise<string> {
  if (!reference.startsWith('vault:')) return context.secret(reference);
  if (context.vault !== undefined) return await context.vault(reference, signal);
  throw new SlipwayError(
    {
      code: 'E_SECRET_REF',
      where: reference,
      message: 'the environment has no vault',
      fix: 'name one under `vaults` of the environment in slipway.config.ts',
    },
    exitCodes.configuration,
  );
}

/** Said without the value: what starts processes would show it. */
function checked(value: string, reference: string): string {
  const fits = !value.includes('\0') && Buffer.byteLength(value) <= mostBytes;
  if (fits) return value;
  throw new SlipwayError(
    {
      code: 'E_SECRET_REF',
      where: reference,
      message: `no variable can hold this secret: it has a NUL character, or more than ${mostBytes} bytes`,
      fix: 'encode binary secrets, as base64 for example; let the job read large ones itself',
    },
    exitCodes.configuration,
  );
}
