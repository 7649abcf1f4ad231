import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { type Connection, requestOptions } from './connection.js';
import { isMissing, statusOf, storeFault, unavailable } from './faults.js';

/** When a write may happen: always, only where nothing is, only over the version that was read. */
export type Condition = Record<never, never> | { IfNoneMatch: '*' } | { IfMatch: string };

/** What is written beside the bytes: their digest, and the id of the write that put them there. */
export interface Stamp {
  sha256: string;
  write: string;
}

const conflictAttempts = 8;

/**
 * Does one conditional write, given as a request that carries the stamp.
 * `refused`: the condition did not hold, and it was not an earlier try of this very write that changed it.
 */
export async function conditionalWrite(
  c: Connection,
  key: string,
  sha256: string,
  request: (stamp: Stamp) => Promise<unknown>,
): Promise<'written' | 'refused'> {
  const where = `s3://${c.bucket}/${key}`;
  const stamp = { sha256, write: randomUUID() };
  for (let attempt = 0; attempt < conflictAttempts; attempt++) {
    try {
      await request(stamp);
      return 'written';
    } catch (error) {
      const status = statusOf(error);
      if (status === 412 || isMissing(error)) {
        // A try whose answer was lost may have succeeded.
        const there = await headObject(c, key);
        return there?.metadata['write'] === stamp.write ? 'written' : 'refused';
      }
      // Two conditional writes met: the store decided neither.
      if (status !== 409) throw storeFault(error, 'writing', where, c);
    }
    await delay(25 * 2 ** attempt * (0.5 + Math.random()));
  }
  throw unavailable(`writing failed: ${conflictAttempts} conflicts with other writers in a row`, where);
}

/** Size and metadata of an object, or undefined when there is none. */
export async function headObject(
  c: Connection,
  key: string,
  signal?: AbortSignal,
): Promise<{ bytes: number; metadata: Record<string, string> } | undefined> {
  try {
    const head = await c.client.send(
      new c.sdk.HeadObjectCommand({ Bucket: c.bucket, Key: key }),
      requestOptions(signal),
    );
    return { bytes: head.ContentLength ?? 0, metadata: head.Metadata ?? {} };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storeFault(error, 'looking up', `s3://${c.bucket}/${key}`, c);
  }
}
