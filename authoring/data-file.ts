import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { dataSource } from '../plan/data-source.js';
import { SlipwayError } from '../plan/errors.js';
import { insideProject } from './packing/inside-project.js';

/**
 * The real path of the file that a `file:` source names, for who reads it: the worker, and the command that looks what a run
 * would read. Throws `E_PATH_ESCAPE` when it lies outside the project, `E_DATA_SOURCE` when no file is there that can be read.
 */
export async function dataFile(root: string, from: string): Promise<string> {
  const source = dataSource(from);
  if (source.kind !== 'file') throw new Error(`not a file of the project: ${from}`);
  try {
    const file = await insideProject(await realpath(root), source.path, { kind: 'file' });
    await access(file, constants.R_OK);
    return file;
  } catch (error) {
    throw ofSource(error, from);
  }
}

function ofSource(error: unknown, where: string): unknown {
  const fault = (code: string, message: string, fix: string) => new SlipwayError({ code, where, message, fix });
  const correct = 'correct the `from` of the snapshot stage, or the param that names it';
  if (!(error instanceof SlipwayError)) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return fault('E_DATA_SOURCE', `the file cannot be read (${code})`, 'let the user that Slipway runs as read it');
  }
  const [{ code, message } = { code: '', message: '' }] = error.faults;
  if (code === 'E_FILE_KIND') return fault('E_DATA_SOURCE', message, correct);
  if (code === 'E_PATH_ESCAPE')
    return fault(code, message, 'copy the file into the project folder or put it into the store');
  return error;
}
