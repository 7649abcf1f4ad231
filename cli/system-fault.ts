import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { ExitCode } from '../plan/errors.js';
import { withoutUndefined } from '../plan/json.js';

interface Meaning {
  code: string;
  message: string;
  fix: string;
  exit: ExitCode;
}

const forbidden: Meaning = {
  code: 'E_FILE_ACCESS',
  message: 'the user of this command may not use it',
  fix: 'Give that user the right, or name another place: `--out`, `--html` and `--root` take one.',
  exit: exitCodes.permission,
};
const otherKind = (message: string): Meaning => ({
  code: 'E_FILE_KIND',
  message,
  fix: 'Name a path of the right kind, or make it.',
  exit: exitCodes.data,
});
const full: Meaning = {
  code: 'E_DISK_FULL',
  message: 'there is no room left on its disk',
  fix: 'Free some space, then do the same again.',
  exit: exitCodes.temporary,
};
const exhausted: Meaning = {
  code: 'E_LIMITS',
  message: 'too many files are open',
  fix: 'Raise the limit: `ulimit -n 4096` in this shell.',
  exit: exitCodes.configuration,
};

/** What the operating system says no to in the life of a command, by its name for it (errno). */
const meanings: Record<string, Meaning> = {
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: { ...forbidden, message: 'it cannot be written: its file system is read-only' },
  EISDIR: otherKind('this is a folder, and a file is needed'),
  ENOTDIR: otherKind('on the way to it is a file where a folder is needed'),
  ENOENT: otherKind('there is no such file or folder'),
  EEXIST: otherKind('there is something of this name already'),
  ELOOP: otherKind('its links lead in a circle'),
  ENAMETOOLONG: otherKind('its name is too long'),
  ENOSPC: full,
  EDQUOT: full,
  EMFILE: exhausted,
  ENFILE: exhausted,
};

/**
 * What the operating system refused a command that did not look for it: a file that is a folder, a place that may not be
 * written, a full disk. Undefined for every other error.
 */
export function toSystemFault(error: unknown): SlipwayError | undefined {
  const { code = '', path, dest, syscall } = (error ?? {}) as NodeJS.ErrnoException & { dest?: string };
  if (!(error instanceof Error) || syscall === undefined || !Object.hasOwn(meanings, code)) return undefined;
  if (code === 'ENOENT' && syscall.startsWith('spawn')) return missingProgram(path ?? '');
  if (syscall === 'mkdtemp' && code !== 'ENOSPC') return noTemporaryFolder(path ?? '', code);
  const meaning = meanings[code];
  if (meaning === undefined) return undefined;
  const { exit, ...fault } = meaning;
  const where = dest ?? path;
  const message = `${fault.message} (${syscall}: ${code})`;
  return new SlipwayError({ ...fault, message, ...withoutUndefined({ where }) }, exit);
}

function missingProgram(program: string): SlipwayError {
  return lacking(
    program,
    'this program is not installed, or not on the PATH',
    'Install it; `slipway doctor` shows what else is missing.',
  );
}

function noTemporaryFolder(path: string, code: string): SlipwayError {
  return lacking(
    'TMPDIR',
    `no folder can be made at ${path} (${code}); temporary files are kept there`,
    'Set TMPDIR to a folder that exists and that you may write, or unset it.',
  );
}

function lacking(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_ENVIRONMENT', where, message, fix }, exitCodes.configuration);
}
