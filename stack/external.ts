import { exitCodes, SlipwayError } from '../plan/errors.js';
import type { Part } from './parts/part.js';
import type { Env, PartState } from './types.js';

/**
 * The state of a part that the environment says runs elsewhere; undefined when it says nothing.
 *
 * @throws SlipwayError E_ADDRESS (exit 78) when what it says is no address
 */
export function externalState(part: Part, env: Env): PartState | undefined {
  const variable = part.externalVariable;
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || value === undefined || value === '') return undefined;
  const isHostAndPort = part.name === 'temporal';
  if (!(isHostAndPort ? isHostPort(value) : isHttpUrl(value))) {
    const form = isHostAndPort ? '`host:port`, such as `temporal.example.org:7233`' : 'an http or https URL';
    throw new SlipwayError(
      {
        code: 'E_ADDRESS',
        where: variable,
        message: `\`${value}\` is not ${form}`,
        fix: `Correct ${variable}, or unset it.`,
      },
      exitCodes.configuration,
    );
  }
  return { address: value, external: true, ...(isHostAndPort ? {} : { ui: value }) };
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
}

function isHostPort(value: string): boolean {
  const port = Number(/^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(value)?.[1] ?? 0);
  return port > 0 && port < 65_536;
}
