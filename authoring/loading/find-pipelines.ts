import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files below `<root>/pipelines` that have a default export, absolute and sorted. Modules they share need no default export. */
export async function findPipelines(root: string): Promise<string[]> {
  const folder = join(root, 'pipelines');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() && /(?<!\.d|\.test)\.m?ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? folder, entry.name))
    .filter((file) => !file.includes('node_modules'))
    .sort();
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return files.filter((_, i) => /^\s*export\s+default\b|\bas\s+default\b/m.test(texts[i] ?? ''));
}
