import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { SlipwayError } from '../../plan/errors.js';
import { assertEnvironment, checkEnvironment, type Environment, observeEnvironment } from '../../stack/index.js';

const good: Environment = {
  nodeVersion: '22.12.0',
  architecture: 'x64',
  hasProc: true,
  home: '/home/ada',
  temporary: { path: '/tmp', exists: true },
  timeZone: undefined,
  root: { path: '/project', writable: true },
};

test.each<[name: string, change: Partial<Environment>, message: RegExp]>([
  ['HOME is unset', { home: undefined }, /E_ENVIRONMENT HOME: HOME is not set/],
  [
    'the project folder is read-only',
    { root: { path: '/project', writable: false } },
    /E_ENVIRONMENT \/project: .*cannot be written/,
  ],
  [
    'TMPDIR is missing',
    { temporary: { path: '/gone', exists: false } },
    /E_ENVIRONMENT TMPDIR: \/gone is not a folder/,
  ],
  ['TZ is nonsense', { timeZone: ':bad' }, /E_ENVIRONMENT TZ: `:bad` is no time zone/],
  [
    'Node is too old',
    { nodeVersion: '18.20.4' },
    /Node 18\.20\.4 is not supported; needed is 20\.19 or later, 22\.12 or later/,
  ],
  ['Node is an early patch of a supported line', { nodeVersion: '22.11.9' }, /Node 22\.11\.9 is not supported/],
  ['Node is of an odd line', { nodeVersion: '23.5.0' }, /Node 23\.5\.0 is not supported/],
  ['Node has 32 bits', { architecture: 'ia32' }, /a ia32 Node runs here; needed is a 64-bit one/],
  ['there is no /proc', { hasProc: false }, /E_ENVIRONMENT \/proc: there is no \/proc/],
])('when %s, the requirement is named', (_, change, message) => {
  const faults = checkEnvironment({ ...good, ...change });
  expect(faults).toHaveLength(1);
  expect(new SlipwayError(faults, 78).message).toMatch(message);
  expect(faults[0]?.fix).toBeTruthy();
});

test.each(['20.19.0', '20.20.2', '22.12.0', '24.0.0', '26.1.0'])('Node %s is supported', (nodeVersion) => {
  expect(checkEnvironment({ ...good, nodeVersion })).toEqual([]);
});

test.each([undefined, '', 'UTC', 'Europe/Berlin', ':Europe/Berlin', '/etc/localtime', 'CET-1CEST'])(
  'TZ may be %s',
  (timeZone) => {
    expect(checkEnvironment({ ...good, timeZone })).toEqual([]);
  },
);

test('all faults are named at once', () => {
  expect(checkEnvironment({ ...good, home: '', timeZone: 'bad', hasProc: false }).map(({ where }) => where)).toEqual([
    '/proc',
    'HOME',
    'TZ',
  ]);
});

test('this machine passes, and a broken environment of it is refused with exit code 78', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-environment-'));
  const env = { HOME: '/root', TMPDIR: tmpdir() };
  expect(checkEnvironment(observeEnvironment(env, root))).toEqual([]);
  const broken = { TMPDIR: join(root, 'gone') };
  expect(() => assertEnvironment(broken, root)).toThrow(
    expect.objectContaining({ exitCode: 78, code: 'E_ENVIRONMENT' }),
  );
  await rm(root, { recursive: true });
});

test('a project folder that is none is observed as not writable, and looking makes nothing', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-environment-'));
  await writeFile(join(root, 'file'), '');
  expect(observeEnvironment({}, join(root, 'file')).root.writable).toBe(false);
  expect(observeEnvironment({}, join(root, 'gone')).root.writable).toBe(false);
  expect(observeEnvironment({}, root).root.writable).toBe(true);
  expect(await readdir(root)).toEqual(['file']);
  await rm(root, { recursive: true });
});
