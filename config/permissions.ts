import { closeSync, openSync, type Stats, statSync } from 'node:fs';
import { exitCodes, SlipwayError } from '../plan/errors.js';

/** Throws `E_CONFIG_PERMS` (78) for a configuration that may not be read, is a directory, or that anybody may write. */
export function checkConfigFile(file: string): void {
  const stats = statSync(file);
  if (stats.isDirectory()) throw fault(file, 'is a directory, not a file', 'Put the configuration there as a file.');
  refuseUnsafeFile(file, stats);
  try {
    closeSync(openSync(file, 'r'));
  } catch {
    throw unreadable(file);
  }
}

/** Throws `E_CONFIG_PERMS` (78) when everybody on this machine may write a file that decides what is done. */
export function refuseUnsafeFile(file: string, { mode }: Pick<Stats, 'mode'>): void {
  if ((mode & 0o002) === 0) return;
  throw fault(
    file,
    `anybody on this machine may write it (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`,
    `Look whether somebody changed it, then \`chmod o-w ${file}\`.`,
  );
}

/** `E_CONFIG_PERMS` (78) for a file that this user may not read. */
export function unreadable(file: string): SlipwayError {
  return fault(
    file,
    'this user may not read it',
    `Give the user who runs this the right to: \`chmod u+r ${file}\`, or chown.`,
  );
}

function fault(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_CONFIG_PERMS', where, message, fix }, exitCodes.configuration);
}
