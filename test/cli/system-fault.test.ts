import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toSystemFault } from '../../cli/system-fault.js';
import { runToEnd } from '../../processes/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-system-fault-'));
  await writeFile(join(folder, 'file'), 'text');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const refusal = async (work: () => Promise<unknown>) =>
  toSystemFault(
    await work().then(
      () => undefined,
      (error: unknown) => error,
    ),
  );

describe('what the operating system refuses a command', () => {
  test('is the wrong kind of file: 65, and no advice to try again', async () => {
    const below = join(folder, 'file', 'reports');
    expect(await refusal(() => mkdir(below, { recursive: true }))).toMatchObject({
      exitCode: 65,
      faults: [{ code: 'E_FILE_KIND', where: below }],
    });
    expect(await refusal(() => readFile(folder))).toMatchObject({ exitCode: 65, code: 'E_FILE_KIND' });
    expect(await refusal(() => readFile(join(folder, 'none')))).toMatchObject({ exitCode: 65, code: 'E_FILE_KIND' });
  });

  test.each([
    ['EROFS', 'E_FILE_ACCESS', 77],
    ['EACCES', 'E_FILE_ACCESS', 77],
    ['EPERM', 'E_FILE_ACCESS', 77],
    ['ENOSPC', 'E_DISK_FULL', 75],
    ['EDQUOT', 'E_DISK_FULL', 75],
    ['EMFILE', 'E_LIMITS', 78],
  ])('%s is %s, exit code %i', (errno, code, exitCode) => {
    const error = Object.assign(new Error(errno), { code: errno, syscall: 'mkdir', path: '/project/.slipway/reports' });
    const fault = toSystemFault(error);
    expect(fault).toMatchObject({ exitCode, faults: [{ code, where: '/project/.slipway/reports' }] });
    expect(fault?.faults[0]?.fix).toBeTruthy();
  });

  test('is a program that is not there', async () => {
    const { signal } = new AbortController();
    const work = () => runToEnd('/no/such/program', [], { env: {}, input: '', signal });
    const fault = await refusal(work);
    expect(fault).toMatchObject({ exitCode: 78, code: 'E_ENVIRONMENT' });
  });

  test('is nothing for an error of another kind', () => {
    expect(toSystemFault(new TypeError('a fault of ours'))).toBeUndefined();
    expect(toSystemFault(Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' }))).toBeUndefined();
    expect(toSystemFault(undefined)).toBeUndefined();
  });
});
