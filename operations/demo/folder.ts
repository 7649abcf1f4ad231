import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { down } from '../../stack/index.js';
import type { OnProgress } from '../../stack/index.js';

const notCopied = new Set(['.slipway', 'node_modules', '__pycache__', 'tests']);

/**
 * A project folder of the demo's own, so that its runs and its champion mix with nobody's: the configuration, pipelines and
 * trainers as they are now, without data. Installed Python environments and tools are shared with the project.
 * A stack that an earlier demo left is ended first.
 */
export async function prepareFolder(root: string, onProgress: OnProgress): Promise<string> {
  const folder = join(root, '.slipway', 'demo');
  if (existsSync(join(folder, '.slipway', 'stack'))) await down({ root: folder, onProgress });
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, '.slipway'), { recursive: true });
  for (const name of ['slipway.config.ts', 'pipelines', 'trainers']) {
    await cp(join(root, name), join(folder, name), { recursive: true, filter: (source) => !notCopied.has(basename(source)) });
  }
  for (const name of ['python', 'tools']) {
    await mkdir(join(root, '.slipway', name), { recursive: true });
    await symlink(join('..', '..', name), join(folder, '.slipway', name));
  }
  return folder;
}
