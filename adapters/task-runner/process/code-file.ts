import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { keys } from '../../../plan/names.js';
import type { PackedFile } from '../../../plan/plan.js';
import type { Store } from '../../store/port.js';

/** The packed pipeline file on this machine, fetched when it is not here; its digest is checked each time. */
export async function codeFile(store: Store, directory: string, code: PackedFile): Promise<string> {
  const folder = join(directory, 'code');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${code.sha256}.mjs`);
  await sourceMap(store, `${file}.map`, code);
  if ((await digestOf(file)) === code.sha256) return file;
  const fetched = `${file}.${randomUUID()}`;
  try {
    await store.getFile({ uri: store.uri(keys.bundle(code.sha256)), sha256: code.sha256, bytes: code.bytes }, fetched);
    await rename(fetched, file);
  } finally {
    await rm(fetched, { force: true });
  }
  return file;
}

/** Puts the source map beside it. Without one the author's code runs as well; only its lines are not named. */
async function sourceMap(store: Store, file: string, { map }: PackedFile): Promise<void> {
  if (map === undefined || (await digestOf(file)) === map.sha256) return;
  const fetched = `${file}.${randomUUID()}`;
  await store
    .getFile({ uri: store.uri(keys.sourceMap(map.sha256)), ...map }, fetched)
    .then(() => rename(fetched, file))
    .catch(() => rm(fetched, { force: true }));
}

async function digestOf(file: string): Promise<string | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return bytes && createHash('sha256').update(bytes).digest('hex');
}
