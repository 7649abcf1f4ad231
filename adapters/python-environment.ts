import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const minors = ['3.11', '3.12', '3.13', '3.14'];

/**
 * The Python that `slipway up` made for a lock file: folders are named by the first 16 digits of the SHA-256 of the file and
 * Python's minor version. undefined when it was not made.
 *
 * @param folder absolute path of the folder that holds the environments
 */
export async function pythonOf(folder: string, requirements: string): Promise<string | undefined> {
  const bytes = await readFile(requirements);
  return minors
    .map((minor) => createHash('sha256').update(bytes).update(minor).digest('hex').slice(0, 16))
    .map((name) => join(folder, name, 'bin', 'python'))
    .find((python) => existsSync(python));
}
