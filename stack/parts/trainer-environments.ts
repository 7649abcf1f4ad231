import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { packageRoot } from '../paths.js';
import { ensurePython } from '../python.js';
import type { PartContext } from './part.js';

/** Makes the Python environments that jobs and model servers run in: those of the package, and those of the project's own trainers. */
export async function ensureTrainerEnvironments(context: PartContext): Promise<void> {
  const { root, env, onProgress } = context;
  for (const requirements of await lockFiles([packageRoot, root])) {
    await ensurePython({ root, env, onProgress, requirements });
  }
}

/** `trainers/<any>/requirements.txt` of these folders. */
async function lockFiles(folders: readonly string[]): Promise<string[]> {
  const files = [...new Set(folders)].map(async (folder) => {
    const trainers = join(folder, 'trainers');
    const names = await readdir(trainers).catch(() => []);
    return names.toSorted().map((name) => join(trainers, name, 'requirements.txt'));
  });
  return (await Promise.all(files)).flat().filter((file) => existsSync(file));
}
