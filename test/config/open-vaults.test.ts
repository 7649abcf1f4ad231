import { expect, test } from 'vitest';
import { jobSecrets } from '../../adapters/job-secrets.js';
import { commandVault, commandVaultOptions } from '../../adapters/vault/command/options.js';
import { openVaults } from '../../config/open-vaults.js';

const context = { root: '/', secret: (ref: string) => `value of ${ref}` };
const echo = commandVaultOptions.parse(commandVault({ run: ['echo', '-n', 'secret', 'at'] }));

test('secrets of jobs come from variables, files and the vault that is named', async () => {
  const vault = await openVaults({ team: echo }, context);
  const secrets = { A: 'env:A', B: 'vault:team/kv/b', C: 'vault:team/kv/c' };
  expect(await jobSecrets({ secrets }, { ...context, vault })).toEqual({
    A: 'value of env:A',
    B: 'secret at kv/b',
    C: 'secret at kv/c',
  });
});

test('a vault that the environment lacks is named, with the ones that it has', async () => {
  const vault = await openVaults({ team: echo }, context);
  const asked = jobSecrets({ secrets: { A: 'vault:teams/kv/a' } }, { ...context, vault });
  await expect(asked).rejects.toMatchObject({
    code: 'E_SECRET_REF',
    exitCode: 78,
    message: expect.stringContaining('did you mean `team`?') as string,
  });
  await expect(jobSecrets({ secrets: { A: 'vault:team/a' } }, context)).rejects.toMatchObject({ code: 'E_SECRET_REF' });
});
