import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { checkConfigFile } from '../../config/permissions.js';
import { references } from '../../config/references.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-perms-'));
  chmodSync(root, 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, text: string, mode: number): string {
  const file = join(root, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** Root reads everything: it becomes nobody for a moment. */
function withoutRoot<T>(act: () => T): T {
  if (process.geteuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
  }
}

function faultOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

const config =
  "import { defineConfig, localStack } from 'slipway/config';\nexport default defineConfig({ defaultEnvironment: 'dev', environments: { dev: localStack() } });\n";

describe('a configuration', () => {
  test.each([0o666, 0o646, 0o777])('that anybody may write (%o) is refused before it is run', async (mode) => {
    const file = put('slipway.config.ts', "throw new Error('it ran');", mode);
    await expect(loadConfig(root)).rejects.toMatchObject({
      code: 'E_CONFIG_PERMS',
      exitCode: 78,
      message: expect.stringContaining(`chmod o-w ${file}`) as string,
    });
  });

  test.each([0o644, 0o664, 0o600])('of mode %o is loaded', async (mode) => {
    put('slipway.config.ts', config, mode);
    expect(Object.keys((await loadConfig(root)).environments)).toEqual(['dev']);
  });

  test('that this user may not read, or that is a directory, is refused', async () => {
    const file = put('slipway.config.ts', config, 0o000);
    expect(faultOf(() => withoutRoot(() => checkConfigFile(file)))).toMatchObject({
      code: 'E_CONFIG_PERMS',
      message: expect.stringContaining('may not read') as string,
    });
    rmSync(file);
    mkdirSync(file);
    await expect(loadConfig(root)).rejects.toMatchObject({ code: 'E_CONFIG_PERMS', exitCode: 78 });
  });
});

describe('a file behind a reference', () => {
  const of = (name: string, notice: (text: string) => void = () => undefined) =>
    references(root, {}, notice).secret(`file:${name}`);

  test.each([
    ['that anybody may write', 'planted', 0o666, 'E_CONFIG_PERMS'],
    ['that anybody may write, and nobody else reads', 'planted', 0o602, 'E_CONFIG_PERMS'],
    ['that everybody may read', 'planted', 0o644, 'E_SECRET_REF'],
    ['that is empty', '', 0o600, 'E_SECRET_REF'],
    ['that holds a newline and no more', '\n', 0o600, 'E_SECRET_REF'],
  ])('%s is refused, and its text is not shown', (_, text, mode, code) => {
    put('key', text, mode);
    const error = faultOf(() => of('key'));
    expect(error).toMatchObject({ code, exitCode: 78, message: expect.stringContaining('key') as string });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('planted');
  });

  test('that is a directory, or missing, is refused by the name of the reference', () => {
    mkdirSync(join(root, 'folder'));
    expect(faultOf(() => of('folder'))).toMatchObject({ code: 'E_SECRET_REF', exitCode: 78 });
    expect(faultOf(() => of('nowhere'))).toMatchObject({
      code: 'E_SECRET_REF',
      message: expect.stringMatching(/^E_SECRET_REF file:nowhere: /) as string,
    });
  });

  test('that this user may not read is refused', () => {
    put('key', 'planted', 0o000);
    expect(faultOf(() => withoutRoot(() => of('key')))).toMatchObject({ code: 'E_CONFIG_PERMS', exitCode: 78 });
  });

  test('loses its last newline, with a notice that names the reference only', () => {
    const notices: string[] = [];
    put('key', 'planted\n', 0o640);
    expect(of('key', (text) => notices.push(text))).toBe('planted');
    expect(notices).toEqual([expect.stringContaining('file:key')]);
    expect(notices.join()).not.toContain('planted');
  });

  test('of several lines, such as a key in PEM, loses it without one', () => {
    const notices: string[] = [];
    put('key', '-----BEGIN KEY-----\nabc\n-----END KEY-----\n', 0o600);
    expect(of('key', (text) => notices.push(text))).toMatch(/END KEY-----$/);
    expect(notices).toEqual([]);
  });

  test('may be read by everybody where it is no secret, and still not be written', () => {
    put('ca.pem', 'certificate', 0o644);
    expect(references(root, {}).open('file:ca.pem')).toBe('certificate');
    chmodSync(join(root, 'ca.pem'), 0o646);
    expect(faultOf(() => references(root, {}).open('file:ca.pem'))).toMatchObject({ code: 'E_CONFIG_PERMS' });
  });
});

test('a notice is a warning of the process, once', async () => {
  put('once', 'planted\n', 0o600);
  const warnings: string[] = [];
  const listen = (warning: Error): void => void (warning.name === 'SlipwayNotice' && warnings.push(warning.message));
  process.on('warning', listen);
  for (let n = 0; n < 3; n++) references(root, {}).secret('file:once');
  // Warnings are told after the turn that made them.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  expect(warnings).toEqual([expect.stringContaining('file:once')]);
});
