import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Vault } from '../../adapters/vault/port.js';

export interface VaultHarness {
  vault: Vault;
  /** Puts a secret at a path. */
  keep(path: string, secret: string): Promise<void>;
  /** A vault that cannot be reached for now. */
  silent(): Vault;
  close(): Promise<void>;
}

/** What every vault must do. */
export function describeVault(name: string, open: () => Promise<VaultHarness>): void {
  describe(`vault ${name}`, () => {
    let harness: VaultHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    test.each([
      ['team/token', 'hunter2'],
      ['team/two lines', '-----BEGIN KEY-----\nabc\n-----END KEY-----'],
      ['team/$(id);"quoted"', 'a b\tc'],
    ])('gives the secret at %s as it was kept', async (path, secret) => {
      await harness.keep(path, secret);
      expect(await harness.vault.read(path)).toBe(secret);
    });

    test('gives a secret as it is now', async () => {
      await harness.keep('team/rotated', 'old');
      expect(await harness.vault.read('team/rotated')).toBe('old');
      await harness.keep('team/rotated', 'new');
      expect(await harness.vault.read('team/rotated')).toBe('new');
    });

    test('says which path it does not give', async () => {
      await expect(harness.vault.read('team/none')).rejects.toMatchObject({
        code: 'E_VAULT',
        exitCode: 77,
        message: expect.stringContaining('team/none') as string,
      });
    });

    test('that is silent may be asked again', async () => {
      await expect(harness.silent().read('team/token')).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    });

    test('who is aborted is told so', async () => {
      const signal = AbortSignal.abort(new Error('stopped'));
      await expect(harness.vault.read('team/token', signal)).rejects.toThrow('stopped');
    });
  });
}
