import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { headObject } from './conditional-write.js';
import { type Connection, requestOptions } from './connection.js';
import { statusOf, storeFault, unavailable } from './faults.js';

/** Never removed: so that whoever asks at the same time finds the same. */
export const probeKey = 'probes/conditional-write';

const body = new TextEncoder().encode('Shows that this store keeps `If-None-Match: *`.\n');

/**
 * Whether the store keeps `If-None-Match: *`. `ignored`: it writes over what is there; `inverted`: it refuses where nothing is.
 * Any number of probes at once agree, as none of them removes the object.
 */
export async function probeConditions(
  c: Connection,
  key: string,
  signal?: AbortSignal,
): Promise<'kept' | 'ignored' | 'inverted'> {
  let found: 'ignored' | 'inverted' = 'ignored';
  // The first write may find nothing there. Were somebody to clear the bucket at this moment, the next ones would still tell.
  for (let n = 0; n < 3; n++) {
    if ((await createOnly(c, key, signal)) === 'written') continue;
    if ((await headObject(c, key, signal)) !== undefined) return 'kept';
    found = 'inverted';
  }
  return found;
}

async function createOnly(c: Connection, key: string, signal?: AbortSignal): Promise<'written' | 'refused'> {
  try {
    await c.client.send(
      new c.sdk.PutObjectCommand({ Bucket: c.bucket, Key: key, Body: body, IfNoneMatch: '*' }),
      requestOptions(signal),
    );
    return 'written';
  } catch (error) {
    const where = `s3://${c.bucket}/${key}`;
    if (statusOf(error) === 412) return 'refused';
    if (statusOf(error) === 409) throw unavailable('another write of this object is under way', where);
    throw storeFault(error, 'writing', where, c);
  }
}

/** What is said of a store on which two writers could lose each other's records. */
export function unsafeStore(found: 'ignored' | 'inverted', where: string): SlipwayError {
  const how =
    found === 'ignored' ? 'writes over what is there in spite of it' : 'refuses it where nothing is, and so inverts it';
  return new SlipwayError(
    {
      code: 'E_STORE_UNSAFE',
      where,
      message: `the store does not keep \`If-None-Match: *\`: it ${how}; two workers could overwrite each other's records`,
      fix: 'Use a store that keeps it (Amazon S3, SeaweedFS 4). With one worker process only and nobody else who writes, `singleWriter: true` of s3(…) lets it start.',
    },
    exitCodes.configuration,
  );
}
