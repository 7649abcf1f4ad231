import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openCommandVault } from '../../adapters/vault/command/index.js';
import { commandVault, commandVaultOptions } from '../../adapters/vault/command/options.js';
import type { Vault } from '../../adapters/vault/port.js';
import { describeVault } from './vault.contract.js';

let root: string;
const secrets: Record<string, string> = {};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-vault-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A vault whose program is this JavaScript. */
function asking(script: string, o: { timeout?: string; pass?: string[] } = {}): Vault {
  const options = commandVaultOptions.parse(commandVault({ run: [process.execPath, '-e', script, '--'], ...o }));
  return openCommandVault(options, { root, secret: (ref) => `value of ${ref}` });
}

const fromFile = `
  const kept = JSON.parse(require('fs').readFileSync('kept.json', 'utf8'));
  const path = process.argv.at(-1);
  if (!(path in kept)) { console.error('no secret at ' + path); process.exit(2); }
  console.log(kept[path]);`;

describeVault('command', async () => {
  await writeFile(join(root, 'kept.json'), '{}');
  return {
    vault: asking(fromFile),
    keep: async (path, secret) => {
      secrets[path] = secret;
      await writeFile(join(root, 'kept.json'), JSON.stringify(secrets));
    },
    silent: () => asking('process.exit(75)'),
    close: () => Promise.resolve(),
  };
});

describe('a command', () => {
  test('that takes too long is ended and may be asked again', async () => {
    const slow = asking("require('fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)", {
      timeout: '3s',
    });
    await expect(slow.read('x')).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      message: expect.stringContaining('did not end within 3s') as string,
    });
    const pid = Number(await readFile(join(root, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('gets the variables that it is to get, and none of the worker besides', async () => {
    process.env['SLIPWAY_TEST_HIDDEN'] = 'hidden';
    const shown = asking("console.log(process.env.VAULT_ADDR + ' ' + process.env.SLIPWAY_TEST_HIDDEN)", {
      pass: ['VAULT_ADDR'],
    });
    expect(await shown.read('x')).toBe('value of env:VAULT_ADDR undefined');
    delete process.env['SLIPWAY_TEST_HIDDEN'];
  });

  test.each([
    ['', 'is empty'],
    ['process.stdout.write(Buffer.from([0xff, 0xfe]))', 'is no text'],
    ["process.stdout.write('x'.repeat(100_000)); setInterval(() => {}, 1000)", 'SIGKILL'],
    ["console.error('permission denied'); process.exit(1)", 'permission denied'],
  ])('that does not give a secret is refused: %s', async (script, words) => {
    await expect(asking(script).read('x')).rejects.toMatchObject({
      code: 'E_VAULT',
      message: expect.stringContaining(words) as string,
    });
  });

  test('that is not there is a refusal', async () => {
    const options = commandVaultOptions.parse(commandVault({ run: ['no-such-program-here'] }));
    await expect(openCommandVault(options, { root, secret: () => '' }).read('x')).rejects.toMatchObject({
      code: 'E_VAULT',
    });
  });
});
