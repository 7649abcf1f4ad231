import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { down } from '../../stack/index.js';
import { packageRoot } from '../../stack/paths.js';

/** A project folder of its own that shares the downloads of the checkout, so that they are fetched once. */
export async function temporaryProject(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-project-'));
  for (const downloads of ['python', 'tools']) {
    const folder = join(packageRoot, '.slipway', downloads);
    await mkdir(folder, { recursive: true });
    await mkdir(join(root, '.slipway'), { recursive: true });
    await symlink(folder, join(root, '.slipway', downloads));
  }
  return root;
}

/** Ends all that runs in it and removes it. */
export async function removeProject(root: string): Promise<void> {
  await down({ root, onProgress: () => {} });
  await rm(root, { recursive: true, force: true });
}
