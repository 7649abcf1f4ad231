import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { z } from 'zod';

import { type FileRef, shortDigest } from '../../../plan/artifact.js';
import { SlipwayError } from '../../../plan/errors.js';
import { servedFile } from '../../../plan/serving.js';
import { writeFileAtomic } from '../../../processes/index.js';
import type { Store } from '../../store/port.js';
import type { ServingVersion } from '../port.js';

const below = 'model/';

/** The model's folder as the server reads it: the model's files, and `serving.json`. */
export interface ModelFolder {
  /** `<service>-<first 12 digits of the model's digest>`. */
  id: string;
  path: string;
  /** The file that the server loads, below `path`. */
  file: string;
  sha256: string;
}

const servingSchema = z.object({ service: z.string(), version: z.string(), sha256: z.string() });

/** The file that the server loads. */
export function modelFile(files: readonly FileRef[]): FileRef {
  const found = servedFile(files);
  if (found !== undefined) return found;
  throw new SlipwayError({
    code: 'E_SERVING_MODEL',
    message: `no file named \`model/model.*\`; there are ${files.map(({ path }) => path).join(', ') || 'none'}`,
    fix: 'let the trainer write its model as `model.skops` into SM_MODEL_DIR',
  });
}

/** Which folder belongs to a version. The same bytes registered twice are two versions, each with a server that names itself. */
export async function folderOf(directory: string, version: ServingVersion): Promise<ModelFolder> {
  const { path, sha256 } = modelFile(version.files);
  const file = path.slice(below.length);
  const id = `${version.service}-${shortDigest(sha256)}`;
  const holder = await versionIn(join(directory, id));
  if (holder === undefined || holder === version.version) return { id, path: join(directory, id), file, sha256 };
  const other = `${id}-${createHash('sha256').update(version.version).digest('hex').slice(0, 6)}`;
  return { id: other, path: join(directory, other), file, sha256 };
}

async function versionIn(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'serving.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : servingSchema.parse(JSON.parse(text)).version;
}

/**
 * Makes the folder complete: every file's digest is checked, whatever is missing or differs is fetched again.
 *
 * @throws SlipwayError `E_ARTIFACT_DIGEST` when the store's bytes differ, `E_SERVING_MODEL` for a path that leaves the folder
 */
export async function fillFolder(
  folder: ModelFolder,
  version: ServingVersion,
  store: Store,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  for (const file of version.files) {
    const path = join(folder.path, relativePath(file.path));
    if ((await digestOf(path)) === file.sha256) continue;
    await rm(path, { force: true });
    await mkdir(dirname(path), { recursive: true });
    await store.getFile(file, path, signal ? { signal } : {});
  }
  const { file, sha256 } = folder;
  const serving = { service: version.service, version: version.version, file, sha256 };
  await writeFileAtomic(join(folder.path, 'serving.json'), `${JSON.stringify(serving, null, 1)}\n`);
}

function relativePath(path: string): string {
  const steps = path.startsWith(below) ? path.slice(below.length).split('/') : [];
  const reserved = ['serving.json', 'process.json', 'server.log'];
  if (
    steps.length > 0 &&
    steps.every((step) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(step)) &&
    !reserved.includes(steps.join('/'))
  ) {
    return steps.join('/');
  }
  throw new SlipwayError({
    code: 'E_SERVING_MODEL',
    message: 'a model file lies below `model/` and has a plain name: letters, digits, `.`, `_`, `-`',
    where: path,
    fix: 'rename the file in the trainer',
  });
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}
