import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of this package, the same from source and from `dist/`: what ships beside the code, such as `trainers/`, is below it.
 *
 * @throws Error when no folder above this file holds our package.json
 */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'slipway') {
      return folder;
    }
    if (folder === dirname(folder))
      throw new Error('no package.json of slipway above this file: install the package whole');
  }
}
