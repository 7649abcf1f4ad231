import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { packageRoot } from '../paths.js';

/**
 * A program of ours, as built.
 *
 * @throws SlipwayError E_ENVIRONMENT when the package is not built
 */
export function builtProgram(path: string): string {
  const file = join(packageRoot, 'dist', path);
  if (existsSync(file)) return file;
  throw new SlipwayError(
    {
      code: 'E_ENVIRONMENT',
      where: `dist/${path}`,
      message: 'the package is not built',
      fix: `Run \`npm run build\` in ${packageRoot}.`,
    },
    exitCodes.configuration,
  );
}
