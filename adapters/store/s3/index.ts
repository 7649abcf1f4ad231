import { createHash } from 'node:crypto';

import type { ArtifactRef } from '../../../plan/artifact.js';
import { SlipwayError } from '../../../plan/errors.js';
import type { OpenContext } from '../../open-context.js';
import type { Store, StoredDocument } from '../port.js';
import { connect, type Connection, requestOptions } from './connection.js';
import { getBytes, getFile, type Measured } from './download.js';
import { isMissing, storeFault } from './faults.js';
import { keyOf, type Location, objectKey, uriOf } from './location.js';
import type { S3Options } from './options.js';
import { probeConditions, probeKey, unsafeStore } from './probe.js';
import { abortUpload, listUnfinished } from './unfinished.js';
import { putBytes, putFile, writeBytes } from './upload.js';

const maxGetBytes = 256 * 1024 * 1024;
const maxRecordBytes = 4 * 1024 * 1024;

/**
 * Opens an artifact store on S3. Nothing is loaded or sent before the first call.
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later, `E_S3_ACCESS` when a person must act.
 */
export function openS3Store(options: S3Options, context: OpenContext): Store {
  const location: Location = { bucket: options.bucket, prefix: options.prefix ?? '' };
  let connection: Promise<Connection> | undefined;
  const connected = () => {
    connection ??= connect(options, context).catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  const ref = (key: string, measured: Measured): ArtifactRef => ({ uri: uriOf(location, key), ...measured });
  return {
    async put(key, body, o = {}) {
      return ref(key, await putBytes(await connected(), objectKey(location, key), body, o.ifAbsent ?? false, o.signal));
    },
    async putFile(key, path, o = {}) {
      return ref(key, await putFile(await connected(), objectKey(location, key), path, o.ifAbsent ?? false, o.signal));
    },
    async get(artifact, o = {}) {
      const key = objectKey(location, keyOf(location, artifact.uri));
      if (artifact.bytes > maxGetBytes) throw sizeFault(artifact.uri, artifact.bytes, maxGetBytes);
      return getBytes(await connected(), key, artifact, o.signal);
    },
    async getFile(artifact, path, o = {}) {
      await getFile(await connected(), objectKey(location, keyOf(location, artifact.uri)), artifact, path, o.signal);
    },
    async read(key, o = {}) {
      return readRecord(await connected(), objectKey(location, key), o.limitBytes ?? maxRecordBytes);
    },
    async replace(key, body, etag) {
      const digest = createHash('sha256').update(body).digest();
      const condition = etag === undefined ? { IfNoneMatch: '*' as const } : { IfMatch: etag };
      return (await writeBytes(await connected(), objectKey(location, key), body, digest, condition)) === 'written';
    },
    async list(prefix) {
      return listObjects(await connected(), location, prefix);
    },
    async unfinished(prefix) {
      return listUnfinished(await connected(), prefix);
    },
    async abort(upload) {
      return abortUpload(await connected(), upload);
    },
    async checkConditions(o = {}) {
      const found = await probeConditions(await connected(), objectKey(location, probeKey), o.signal);
      if (found === 'kept') return undefined;
      const fault = unsafeStore(found, `s3://${options.bucket}`);
      if (options.singleWriter) return fault;
      throw fault;
    },
    uri: (key) => uriOf(location, key),
    key: (uri) => keyOf(location, uri),
    access: () => ({
      endpoint: options.endpoint ?? `https://s3.${options.region}.amazonaws.com`,
      region: options.region,
      bucket: options.bucket,
    }),
  };
}

async function readRecord(c: Connection, key: string, limit: number): Promise<StoredDocument | undefined> {
  const uri = `s3://${c.bucket}/${key}`;
  try {
    const answer = await c.client.send(
      new c.sdk.GetObjectCommand({ Bucket: c.bucket, Key: key }),
      requestOptions(undefined),
    );
    if ((answer.ContentLength ?? 0) > limit) throw sizeFault(uri, answer.ContentLength ?? 0, limit);
    const body = await answer.Body?.transformToByteArray();
    return { body: body ?? new Uint8Array(), etag: answer.ETag ?? '' };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storeFault(error, 'reading', uri, c);
  }
}

async function listObjects(
  c: Connection,
  location: Location,
  prefix: string,
): Promise<{ key: string; bytes: number }[]> {
  const found: { key: string; bytes: number }[] = [];
  const whole = uriOf(location, prefix).slice(`s3://${c.bucket}/`.length);
  try {
    for await (const page of c.sdk.paginateListObjectsV2({ client: c.client }, { Bucket: c.bucket, Prefix: whole })) {
      for (const { Key, Size } of page.Contents ?? []) {
        if (Key !== undefined) found.push({ key: Key.slice(location.prefix.length), bytes: Size ?? 0 });
      }
    }
  } catch (error) {
    throw storeFault(error, 'listing', `s3://${c.bucket}/${whole}`, c);
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function sizeFault(uri: string, bytes: number, limit: number): SlipwayError {
  return new SlipwayError({
    code: 'E_ARTIFACT_SIZE',
    where: uri,
    message: `has ${bytes} bytes; at most ${limit} are read into memory`,
    fix: 'Fetch large artifacts to a file.',
  });
}
