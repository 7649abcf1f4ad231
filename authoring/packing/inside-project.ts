import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { SlipwayError } from '../../plan/errors.js';

/**
 * The real path of a file or folder of the project. Throws `E_PATH_ESCAPE` when it lies outside (links followed),
 * `E_FILE_KIND` when it is missing or something else, `E_FILE_SIZE` when it is too large. `root` is a real path.
 * With `allowOutside` it may lie anywhere.
 */
export async function insideProject(
  root: string,
  path: string,
  expected: { kind: 'file' | 'folder'; maxBytes?: number; allowOutside?: boolean | undefined },
): Promise<string> {
  const full = resolve(root, path);
  const real = await realpath(full).catch(() => undefined);
  const place = { where: path };
  if (expected.allowOutside !== true && !isBelow(root, real ?? full)) {
    throw new SlipwayError({
      code: 'E_PATH_ESCAPE',
      ...place,
      message: 'is not inside the project folder',
      fix:
        expected.kind === 'file'
          ? 'move it into the project (links out of it are not followed), or say --allow-outside'
          : 'move it into the project; links out of it are not followed',
    });
  }
  const facts = real === undefined ? undefined : await stat(real);
  const right = expected.kind === 'file' ? facts?.isFile() : facts?.isDirectory();
  if (real === undefined || facts === undefined || right !== true) {
    throw new SlipwayError({
      code: 'E_FILE_KIND',
      ...place,
      message:
        facts === undefined
          ? `no such ${expected.kind}`
          : `is not a ${expected.kind === 'file' ? 'regular file' : 'folder'}`,
      fix: `name a ${expected.kind} of the project`,
    });
  }
  if (expected.maxBytes !== undefined && facts.size > expected.maxBytes) {
    throw new SlipwayError({
      code: 'E_FILE_SIZE',
      ...place,
      message: `has ${facts.size} bytes; at most ${expected.maxBytes} are allowed`,
    });
  }
  return real;
}

function isBelow(root: string, path: string): boolean {
  return path === root || path.startsWith(root + sep);
}
