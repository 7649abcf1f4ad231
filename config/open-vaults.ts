import type { OpenContext } from '../adapters/open-context.js';
import type { Vault } from '../adapters/vault/port.js';
import { exitCodes, SlipwayError, unknownName } from '../plan/errors.js';
import type { EnvironmentConfig } from './schema.js';

/** Reads `vault:NAME/PATH` from the vaults of an environment. */
export async function openVaults(
  vaults: EnvironmentConfig['vaults'],
  context: OpenContext,
): Promise<NonNullable<OpenContext['vault']>> {
  const { openCommandVault } = await import('../adapters/vault/command/index.js');
  const opened = new Map<string, Vault>(
    Object.entries(vaults).map(([name, options]) => [name, openCommandVault(options, context)]),
  );
  return async (reference, signal) => {
    const [, name = '', path = ''] = /^vault:([^/]+)\/(.+)$/s.exec(reference) ?? [];
    const vault = opened.get(name);
    if (vault !== undefined) return await vault.read(path, signal);
    throw new SlipwayError(
      {
        code: 'E_SECRET_REF',
        where: reference,
        message: unknownName('vault', name, [...opened.keys()]),
        fix: 'name it under `vaults` of the environment in slipway.config.ts',
      },
      exitCodes.configuration,
    );
  };
}
