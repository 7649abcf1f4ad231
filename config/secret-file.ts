import { readFileSync, statSync, type Stats } from 'node:fs';
import { exitCodes, SlipwayError } from '../plan/errors.js';
import { refuseUnsafeFile, unreadable } from './permissions.js';

/** What others than the owner and the group may do with a file that is read: nothing with a secret, read a certificate. */
export type Confidence = 'secret' | 'public';

/**
 * The text behind `file:PATH`, without its last newline. Throws `E_SECRET_REF` (78), which names the reference only, for a file that is
 * missing, empty, a directory or, as a secret, readable by everybody; `E_CONFIG_PERMS` (78) for one that may not be read or that anybody may write.
 *
 * @param notice told when a newline was left out of a text of one line: it may have been meant
 */
export function readSecretFile(
  reference: string,
  file: string,
  confidence: Confidence,
  notice: (text: string) => void,
): string {
  const stats = statOf(reference, file);
  if (stats.isDirectory()) throw secretFault(reference, 'is a directory');
  refuseUnsafeFile(file, stats);
  if (confidence === 'secret' && (stats.mode & 0o004) !== 0)
    throw secretFault(
      reference,
      'may be read by everybody on this machine',
      'Take that away: `chmod o-r` of the file.',
    );
  const text = readText(reference, file);
  const value = text.replace(/\r?\n$/, '');
  // Texts of several lines, such as keys in PEM, end with a newline by nature.
  if (value !== text && !value.includes('\n')) notice(`${reference}: the newline at the end is not part of the value`);
  return value;
}

function statOf(reference: string, file: string): Stats {
  try {
    return statSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw unreadable(file);
    throw secretFault(reference, 'is missing or empty');
  }
}

function readText(reference: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw unreadable(file);
    throw secretFault(reference, 'is missing or empty');
  }
}

/** `E_SECRET_REF` (78): what is wrong with what a reference names. */
export function secretFault(reference: string, what: string, fix = forms): SlipwayError {
  return new SlipwayError(
    { code: 'E_SECRET_REF', where: reference, message: `the reference ${what}`, fix },
    exitCodes.configuration,
  );
}

const forms =
  'References are `env:NAME` (a variable that is set) or `file:PATH` (a file that is not empty); secrets of jobs also `vault:NAME/PATH`.';
