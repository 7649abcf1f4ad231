import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Store } from '../adapters/store/port.js';
import type { ArtifactRef } from '../plan/artifact.js';
import { canonicalJson, type JsonObject } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { ModelOutput } from '../plan/outputs.js';
import { modelFiles } from './job-spec.js';

const epoch = new Date(0);

/**
 * Builds `<name>-<label>.tar.gz` (the model's files and `metadata.json`) and stores it create-only.
 * Reproducible: sorted entries, no times, no owners, no run ids, so the same inputs give the same bytes.
 */
export async function packageModel(
  store: Store,
  name: string,
  label: string,
  model: ModelOutput,
  metadata: JsonObject,
): Promise<ArtifactRef> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'slipway-package-'));
  try {
    const archive = path.join(scratch, 'package.tar.gz');
    await writeArchive(store, scratch, archive, model, metadata);
    return await store.putFile(keys.package(name, label), archive, { ifAbsent: true });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function writeArchive(
  store: Store,
  scratch: string,
  archive: string,
  model: ModelOutput,
  metadata: JsonObject,
): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createGzip({ level: 9 }), createWriteStream(archive, { mode: 0o600 }));
  // A failure of writing is thrown below; until then nobody waits for it.
  written.catch(() => undefined);
  const text = Buffer.from(`${canonicalJson(metadata)}\n`);
  tar.entry({ name: 'metadata.json', size: text.length, mtime: epoch, mode: 0o644 }, text);
  try {
    for (const [i, file] of modelFiles(model).entries()) {
      const local = path.join(scratch, String(i));
      await store.getFile(file, local);
      const entry = tar.entry({ name: file.path, size: file.bytes, mtime: epoch, mode: 0o644 });
      await pipeline(createReadStream(local), entry);
      await rm(local);
    }
    tar.finalize();
  } catch (error) {
    tar.destroy();
    // Only once its file is closed may the folder go.
    await written.catch(() => undefined);
    throw error;
  }
  await written;
  await neutralSystemByte(archive);
}

/** Byte 9 of a gzip header names the operating system that wrote it (RFC 1952); 255 = unknown keeps the bytes equal everywhere. */
async function neutralSystemByte(archive: string): Promise<void> {
  const handle = await open(archive, 'r+');
  try {
    await handle.write(Uint8Array.of(255), 0, 1, 9);
  } finally {
    await handle.close();
  }
}
