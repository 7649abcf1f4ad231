import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, lstat, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { ArtifactRef } from '../../../plan/artifact.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { type Connection, requestOptions } from './connection.js';
import { digestFault, isTransient, storeFault } from './faults.js';

const attempts = 3;

/** Digest and size of what went through. */
export interface Measured {
  sha256: string;
  bytes: number;
}

/** Streams an object into what `sink` makes (anew for each try) and measures all of it; only its first `limit` bytes are passed on. */
export async function stream(
  c: Connection,
  key: string,
  limit: number,
  sink: () => Writable,
  signal?: AbortSignal,
): Promise<Measured> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await c.client.send(
        new c.sdk.GetObjectCommand({ Bucket: c.bucket, Key: key }),
        requestOptions(signal),
      );
      const meter = measuring(limit);
      await pipeline(answer.Body as Readable, meter.transform, sink(), requestSignal(signal));
      return meter.measured();
    } catch (error) {
      // The SDK retries requests; a body that breaks off is ours to fetch again.
      if (attempt >= attempts || !isTransient(error) || signal?.aborted)
        throw storeFault(error, 'reading', `s3://${c.bucket}/${key}`, c);
      await delay(100 * 2 ** attempt * (0.5 + Math.random()));
    }
  }
}

/** The bytes of an artifact after their digest was checked. */
export async function getBytes(
  c: Connection,
  key: string,
  ref: ArtifactRef,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  let chunks: Buffer[] = [];
  const sink = () => {
    chunks = [];
    return collecting(chunks);
  };
  const actual = await stream(c, key, ref.bytes, sink, signal);
  if (actual.sha256 !== ref.sha256 || actual.bytes !== ref.bytes) throw digestFault(ref.uri, ref, actual);
  return Buffer.concat(chunks);
}

/** Streams an artifact to a new file. It gets its name only once its digest was checked, and never replaces another file. */
export async function getFile(
  c: Connection,
  key: string,
  ref: ArtifactRef,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  if (await exists(path)) throw fileExists(path);
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  try {
    const sink = () => createWriteStream(draft, { flags: 'w', mode: 0o600, flush: true });
    const actual = await stream(c, key, ref.bytes, sink, signal);
    if (actual.sha256 !== ref.sha256 || actual.bytes !== ref.bytes) throw digestFault(ref.uri, ref, actual);
    // A link, unlike a rename, fails where a file stands.
    await link(draft, path);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? fileExists(path) : error;
  } finally {
    await rm(draft, { force: true });
  }
}

function collecting(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
}

function measuring(limit: number): { transform: Transform; measured(): Measured } {
  const hash = createHash('sha256');
  let bytes = 0;
  const transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      const room = Math.max(0, limit - bytes);
      bytes += chunk.length;
      done(null, room >= chunk.length ? chunk : chunk.subarray(0, room));
    },
  });
  return { transform, measured: () => ({ sha256: hash.digest('hex'), bytes }) };
}

function requestSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function fileExists(path: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_FILE_EXISTS',
      where: path,
      message: 'there is a file already; artifacts never replace one',
      fix: 'Give a new path.',
    },
    exitCodes.data,
  );
}
