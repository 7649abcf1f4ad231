import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { digestFault } from '../../adapters/store/s3/faults.js';
import { keyOf, objectKey, uriOf } from '../../adapters/store/s3/location.js';
import type { Store } from '../../adapters/store/port.js';
import type { ArtifactRef } from '../../plan/artifact.js';
import { SlipwayError } from '../../plan/errors.js';

interface StoredObject {
  body: Buffer;
  etag: string;
}
export interface FakeStore extends Store {
  /** Everything that is stored, by key. Tests may look and tamper. */
  objects: Map<string, StoredObject>;
}

const location = { bucket: 'slipway', prefix: '' };
const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const fault = (code: string, where: string): SlipwayError =>
  new SlipwayError({ code, where, message: 'refused by the store in memory' });

/** A store in memory. */
export function fakeStore(): FakeStore {
  const objects = new Map<string, StoredObject>();
  const write = (key: string, body: Uint8Array): void =>
    void objects.set(objectKey(location, key), { body: Buffer.from(body), etag: randomUUID() });
  const store: FakeStore = {
    objects,
    async put(key, body, o = {}) {
      const there = objects.get(objectKey(location, key));
      if (o.ifAbsent && there !== undefined && !there.body.equals(body)) throw fault('E_ARTIFACT_CONFLICT', key);
      if (!o.ifAbsent || there === undefined) write(key, body);
      return { uri: uriOf(location, key), sha256: sha256(body), bytes: body.byteLength };
    },
    putFile: async (key, path, o) => store.put(key, await readRegular(path), o),
    async get(ref) {
      const key = keyOf(location, ref.uri);
      if (ref.bytes > 256 * 1024 * 1024) throw fault('E_ARTIFACT_SIZE', ref.uri);
      const there = objects.get(objectKey(location, key));
      if (there === undefined) throw fault('E_ARTIFACT_MISSING', ref.uri);
      return checked(ref, there.body);
    },
    async getFile(ref, path) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await store.get(ref), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EEXIST' ? fault('E_FILE_EXISTS', path) : error;
      });
    },
    async read(key, o = {}) {
      const there = objects.get(objectKey(location, key));
      if ((there?.body.length ?? 0) > (o.limitBytes ?? 4 * 1024 * 1024))
        throw fault('E_ARTIFACT_SIZE', uriOf(location, key));
      return there && { ...there };
    },
    async replace(key, body, etag) {
      if (objects.get(objectKey(location, key))?.etag !== etag) return false;
      write(key, body);
      return true;
    },
    async list(prefix) {
      const found = [...objects]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { body }]) => ({ key, bytes: body.length }));
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    unfinished: () => Promise.resolve([]),
    abort: () => Promise.resolve(false),
    checkConditions: () => Promise.resolve(undefined),
    uri: (key) => uriOf(location, key),
    key: (uri) => keyOf(location, uri),
    access: () => ({ endpoint: 'http://127.0.0.1:1', region: 'us-east-1', bucket: location.bucket }),
  };
  return store;
}

function checked(ref: ArtifactRef, body: Buffer): Buffer {
  const actual = { sha256: sha256(body), bytes: body.length };
  if (actual.sha256 !== ref.sha256) throw digestFault(ref.uri, ref, actual);
  return Buffer.from(body);
}

async function readRegular(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  try {
    if (file === undefined || !(await file.stat()).isFile()) throw fault('E_FILE_KIND', path);
    return await file.readFile();
  } finally {
    await file?.close();
  }
}
