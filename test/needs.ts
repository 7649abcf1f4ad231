import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, test, type TestContext } from 'vitest';

/** What some tests need of the machine. */
const known = {
  root: { what: 'to run as root', isThere: () => process.getuid?.() === 0 },
  mount: {
    what: 'to mount a disk that only one process sees (util-linux, and namespaces of users)',
    isThere: () => spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0,
  },
  chromium: {
    what: 'Chromium on the PATH (apt-get install chromium)',
    isThere: () => program('chromium') !== undefined,
  },
  faketime: { what: 'libfaketime (apt-get install libfaketime)', isThere: () => fakeClock() !== undefined },
  slurm: {
    what: 'Slurm on the PATH (apt-get install slurm-wlm munge)',
    isThere: () => program('slurmctld') !== undefined && program('munged') !== undefined,
  },
} satisfies Record<string, { what: string; isThere: () => boolean }>;

export type Need = keyof typeof known;

/** In continuous integration nothing may be missing. */
const complete = process.env['CI'] === 'true';

/**
 * `describe` for tests that need something of the machine: `needs('root')('jobs as a user of their own', () => …)`. Where it
 * is missing they are skipped, and counted so; in continuous integration (`CI=true`) they fail.
 */
export function needs(...wanted: Need[]): (title: string, tests: () => void) => void {
  const missing = wanted.filter((need) => !known[need].isThere());
  if (missing.length === 0) return describe;
  if (!complete) return describe.skip;
  return (title) => {
    const words = missing.map((need) => known[need].what).join(', and ');
    test(`${title}`, () => {
      throw new Error(`this test needs ${words}`);
    });
  };
}

/** The same where only a part of a test finds out that it cannot run: the test is skipped when it has passed so far. */
export function lacks({ skip }: TestContext, what: string): void {
  if (complete) throw new Error(what);
  skip(what);
}

/** Where a program of that name is, on the PATH. */
export function program(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The library that lets a process see another time. */
export function fakeClock(): string | undefined {
  return readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
    .find((file) => existsSync(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
