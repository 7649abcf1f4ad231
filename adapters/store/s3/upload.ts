import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Transform, Writable } from 'node:stream';

import { SlipwayError } from '../../../plan/errors.js';
import { type Condition, conditionalWrite, headObject } from './conditional-write.js';
import { type Connection, requestOptions } from './connection.js';
import { type Measured, stream } from './download.js';

/** Files above this size go up in parts, so that memory stays bounded. */
export const multipartThreshold = 64 * 1024 * 1024;
const partBytes = 16 * 1024 * 1024;
/** S3 allows 10000 parts; larger files get larger parts. */
const maxParts = 9_000;

const createOnly: Condition = { IfNoneMatch: '*' };

/** Writes bytes under a key; see `Store.put` for what `ifAbsent` means. */
export async function putBytes(
  c: Connection,
  key: string,
  body: Uint8Array,
  ifAbsent: boolean,
  signal?: AbortSignal,
): Promise<Measured> {
  const digest = createHash('sha256').update(body).digest();
  const sha256 = digest.toString('hex');
  const outcome = await writeBytes(c, key, body, digest, ifAbsent ? createOnly : {}, signal);
  const measured = { sha256, bytes: body.byteLength };
  if (outcome === 'refused') await refuseOtherBytes(c, key, measured, signal);
  return measured;
}

/** One conditional PUT. */
export async function writeBytes(
  c: Connection,
  key: string,
  body: Uint8Array,
  digest: Buffer,
  condition: Condition,
  signal?: AbortSignal,
): Promise<'written' | 'refused'> {
  return conditionalWrite(c, key, digest.toString('hex'), (stamp) =>
    c.client.send(
      new c.sdk.PutObjectCommand({
        Bucket: c.bucket,
        Key: key,
        Body: body,
        ContentLength: body.byteLength,
        // The store refuses bytes that changed on their way.
        ...(c.checksums && { ChecksumSHA256: digest.toString('base64') }),
        Metadata: { ...stamp },
        ...condition,
      }),
      requestOptions(signal),
    ),
  );
}

/** Writes a regular file under a key, whole up to 64 MiB, in parts above. */
export async function putFile(
  c: Connection,
  key: string,
  path: string,
  ifAbsent: boolean,
  signal?: AbortSignal,
): Promise<Measured> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    if (size <= multipartThreshold) return await putBytes(c, key, await file.readFile(), ifAbsent, signal);
    const measured = await measureFile(file);
    const there = ifAbsent ? await headObject(c, key, signal) : undefined;
    const refused =
      there !== undefined ||
      (await writeParts(c, key, file, measured, path, ifAbsent ? createOnly : {}, signal)) === 'refused';
    if (refused) await refuseOtherBytes(c, key, measured, signal);
    return measured;
  } finally {
    await file.close();
  }
}

async function writeParts(
  c: Connection,
  key: string,
  file: FileHandle,
  measured: Measured,
  path: string,
  condition: Condition,
  signal?: AbortSignal,
): Promise<'written' | 'refused'> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  return conditionalWrite(c, key, measured.sha256, async (stamp) => {
    const source = file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 * 1024 });
    const body = source.pipe(unchanged(measured, path));
    source.on('error', (error) => body.destroy(error));
    const upload = new Upload({
      client: c.client,
      params: { Bucket: c.bucket, Key: key, Body: body, Metadata: { ...stamp }, ...condition },
      partSize: Math.max(partBytes, Math.ceil(measured.bytes / maxParts)),
      queueSize: 3,
    });
    const abort = () => void upload.abort();
    signal?.addEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      return await upload.done();
    } finally {
      signal?.removeEventListener('abort', abort);
      source.destroy();
    }
  });
}

/** Passes a file on and fails at its end when it is not what was measured before: then the upload is never completed. */
function unchanged(expected: Measured, path: string): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const same = hash.digest('hex') === expected.sha256;
      done(
        same
          ? null
          : new SlipwayError({
              code: 'E_ARTIFACT_CHANGED',
              where: path,
              message: 'the file changed while it was uploaded',
              fix: 'Upload it when its writer is done.',
            }),
      );
    },
  });
}

/** The object that stands in the way must hold the same bytes: `E_ARTIFACT_CONFLICT` otherwise. */
async function refuseOtherBytes(c: Connection, key: string, ours: Measured, signal?: AbortSignal): Promise<void> {
  const head = await headObject(c, key, signal);
  const recorded = head?.metadata['sha256'];
  const theirs =
    head !== undefined && recorded !== undefined
      ? { sha256: recorded, bytes: head.bytes }
      : await stream(c, key, 0, () => new Writable({ write: (_chunk, _encoding, done) => done() }), signal);
  if (theirs.sha256 === ours.sha256 && theirs.bytes === ours.bytes) return;
  throw new SlipwayError({
    code: 'E_ARTIFACT_CONFLICT',
    where: `s3://${c.bucket}/${key}`,
    message:
      `holds other bytes: sha256 ${theirs.sha256.slice(0, 12)} (${theirs.bytes} bytes), ` +
      `ours is ${ours.sha256.slice(0, 12)} (${ours.bytes} bytes); nothing was overwritten`,
    fix: 'Stored names are immutable: give the new bytes a new version or name.',
  });
}

async function openRegular(path: string): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a pipe that nobody writes would never return.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? kindFault(path) : error;
    },
  );
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw kindFault(path);
}

function kindFault(path: string): SlipwayError {
  return new SlipwayError({
    code: 'E_FILE_KIND',
    where: path,
    message: 'is not a regular file',
    fix: 'Links, pipes and folders are not uploaded: give the file itself.',
  });
}

async function measureFile(file: FileHandle): Promise<Measured> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of file.createReadStream({
    start: 0,
    autoClose: false,
    highWaterMark: 1024 * 1024,
  }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}
