import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { Pack } from 'tar-stream';
import { SlipwayError } from '../../plan/errors.js';
import { withoutUndefined } from '../../plan/json.js';

/** A packed folder of trainer or evaluator code. */
export interface PackedFolder {
  bytes: Uint8Array;
  /** Hex SHA-256 of the bytes: what "code" means for caches, lineage and change detection. */
  sha256: string;
  /** Hex SHA-256 of `requirements.txt` and the Python version: names the environment. */
  requirements?: string;
}

const maxFiles = 2_000;
const maxBytes = 64 * 1024 * 1024;
/** Not code that a job runs: a change in them starts no training. */
const leftOut = /^(\..*|__pycache__|.*\.pyc|tests|node_modules)$/;

/**
 * Packs a folder as a tar whose bytes depend on nothing but paths, contents and the executable bit.
 * Left out: dotfiles, `__pycache__`, `*.pyc`, `tests` and `node_modules`, at any depth.
 * Throws `E_FILE_KIND` for links and other special files, `E_FILE_SIZE` beyond 2,000 files or 64 MiB.
 */
export async function packFolder(folder: string): Promise<PackedFolder> {
  const paths = (await listFiles(folder, '')).sort();
  if (paths.length > maxFiles)
    throw new SlipwayError({
      code: 'E_FILE_SIZE',
      where: folder,
      message: `has ${paths.length} files; at most ${maxFiles} can be packed`,
    });
  const { pack: startPack } = await import('tar-stream');
  const pack = startPack();
  const bytes = collect(pack);
  let total = 0;
  for (const path of paths) {
    const { content, executable } = await readRegular(join(folder, path));
    total += content.length;
    if (total > maxBytes)
      throw new SlipwayError({
        code: 'E_FILE_SIZE',
        where: folder,
        message: `has more than ${maxBytes} bytes`,
        fix: 'keep data out of the code folder',
      });
    pack.entry(
      { name: path, mode: executable ? 0o755 : 0o644, mtime: new Date(0), uid: 0, gid: 0, type: 'file' },
      content,
    );
  }
  pack.finalize();
  const packed = await bytes;
  const sha256 = createHash('sha256').update(packed).digest('hex');
  const requirements = paths.includes('requirements.txt')
    ? await environmentName(join(folder, 'requirements.txt'))
    : undefined;
  return { bytes: packed, sha256, ...withoutUndefined({ requirements }) };
}

async function listFiles(folder: string, below: string): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const lists = await Promise.all(
    entries
      .filter((entry) => !leftOut.test(entry.name))
      .map(async (entry) => {
        const path = below === '' ? entry.name : `${below}/${entry.name}`;
        if (entry.isDirectory()) return listFiles(folder, path);
        if (entry.isFile()) return [path];
        throw new SlipwayError({
          code: 'E_FILE_KIND',
          where: join(folder, path),
          message: 'is a link or special file; only regular files can be packed',
          fix: 'replace it by a copy',
        });
      }),
  );
  return lists.flat();
}

async function readRegular(path: string): Promise<{ content: Buffer; executable: boolean }> {
  // A file swapped for a link since it was listed is refused by the open itself.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode } = await file.stat();
    return { content: await file.readFile(), executable: (mode & 0o100) !== 0 };
  } finally {
    await file.close();
  }
}

async function environmentName(requirements: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(requirements))
    .update('3.11')
    .digest('hex');
}

async function collect(pack: Pack): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
