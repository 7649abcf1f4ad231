import { chmod, cp, mkdir, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { down } from '../../stack/index.js';
import type { OnProgress } from '../../stack/index.js';

const notCopied = new Set(['.slipway', 'node_modules', '__pycache__', 'tests']);

/**
 * Makes `.slipway/<name>` a project folder of its own, so that its runs and champions mix with nobody's: configuration,
 * pipelines and trainers as they are now, without data. Installed Python environments and tools are shared with the project.
 * A stack that was left there is ended first.
 */
export async function prepareFolder(root: string, name: string, onProgress: OnProgress): Promise<string> {
  const folder = join(root, '.slipway', name);
  if (existsSync(join(folder, '.slipway', 'stack'))) await down({ root: folder, onProgress });
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, '.slipway'), { recursive: true });
  for (const part of ['slipway.config.ts', 'pipelines', 'trainers']) {
    await cp(join(root, part), join(folder, part), {
      recursive: true,
      filter: (source) => !notCopied.has(basename(source)),
    });
  }
  // A checkout may have been made with every right for everybody; this copy is ours.
  await chmod(join(folder, 'slipway.config.ts'), 0o644);
  for (const shared of ['python', 'tools']) {
    await mkdir(join(root, '.slipway', shared), { recursive: true });
    await symlink(join('..', '..', shared), join(folder, '.slipway', shared));
  }
  return folder;
}
