import { constants } from 'node:fs';
import { access, lstat, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { dataSource } from '../plan/data-source.js';
import { SlipwayError } from '../plan/errors.js';
import { insideProject } from './packing/inside-project.js';

/** A source that is wrong wherever it is read: what is missing in one place may be there in another. */
export class WrongSource extends SlipwayError {}

/**
 * The real path of the file that a `file:` source names, for who reads it: the worker, and the command that looks what a run
 * would read. Throws `E_PATH_ESCAPE` when it lies outside the project, `E_DATA_SOURCE` when no file is there that can be read.
 */
export async function dataFile(root: string, from: string): Promise<string> {
  const source = dataSource(from);
  if (source.kind !== 'file') throw new Error(`not a file of the project: ${from}`);
  const base = await realpath(root);
  try {
    const file = await insideProject(base, source.path, { kind: 'file' });
    await access(file, constants.R_OK);
    return file;
  } catch (error) {
    const isThere = await lstat(resolve(base, source.path)).then(
      () => true,
      () => false,
    );
    throw ofSource(error, from, isThere);
  }
}

function ofSource(error: unknown, where: string, isThere: boolean): unknown {
  const fault = (code: string, message: string, fix: string) => ({ code, where, message, fix });
  const correct = 'correct the `from` of the snapshot stage, or the param that names it';
  if (!(error instanceof SlipwayError)) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const fix = 'let the user that Slipway runs as read it';
    return new SlipwayError(fault('E_DATA_SOURCE', `the file cannot be read (${code})`, fix));
  }
  const [{ code, message } = { code: '', message: '' }] = error.faults;
  if (code === 'E_FILE_KIND') {
    const found = fault('E_DATA_SOURCE', message, correct);
    return isThere ? new WrongSource(found) : new SlipwayError(found);
  }
  if (code === 'E_PATH_ESCAPE')
    return new WrongSource(fault(code, message, 'copy the file into the project folder or put it into the store'));
  return error;
}
