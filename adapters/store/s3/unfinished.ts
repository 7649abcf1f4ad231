import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';

import type { UnfinishedUpload } from '../port.js';
import type { Connection } from './connection.js';
import { isMissing, storeFault } from './faults.js';
import { withoutUndefined } from '../../../plan/json.js';

interface Marker {
  KeyMarker?: string;
  UploadIdMarker?: string;
}

/** Multipart uploads below a prefix that nobody has completed; an upload of another prefix is never listed. */
export async function listUnfinished(c: Connection, prefix: string): Promise<UnfinishedUpload[]> {
  const whole = `${c.prefix}${prefix}`;
  const where = `s3://${c.bucket}/${whole}`;
  const found: UnfinishedUpload[] = [];
  try {
    for (let marker: Marker | undefined = {}; marker !== undefined;) {
      const page: ListMultipartUploadsCommandOutput = await c.client.send(
        new c.sdk.ListMultipartUploadsCommand({ Bucket: c.bucket, Prefix: whole, ...marker }),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        // Some stores take a prefix for a hint.
        if (Key === undefined || UploadId === undefined || Initiated === undefined || !Key.startsWith(whole)) continue;
        found.push({ key: Key.slice(c.prefix.length), id: UploadId, startedAt: Initiated });
      }
      marker = page.IsTruncated === true ? nextOf(page) : undefined;
    }
  } catch (error) {
    throw storeFault(error, 'listing unfinished uploads', where, c);
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** A store that says there is more, and not from where, would be asked for ever. */
function nextOf(page: ListMultipartUploadsCommandOutput): Marker | undefined {
  const { NextKeyMarker: key, NextUploadIdMarker: id } = page;
  if (key === undefined || key === '') return undefined;
  return { KeyMarker: key, ...withoutUndefined({ UploadIdMarker: id }) };
}

/** Gives up an upload; `false` when the store no longer knows it: it was completed meanwhile, perhaps. */
export async function abortUpload(c: Connection, { key, id }: UnfinishedUpload): Promise<boolean> {
  try {
    await c.client.send(
      new c.sdk.AbortMultipartUploadCommand({ Bucket: c.bucket, Key: `${c.prefix}${key}`, UploadId: id }),
    );
    return true;
  } catch (error) {
    if (isMissing(error) || (error as Error).name === 'NoSuchUpload') return false;
    throw storeFault(error, 'giving up an upload', `s3://${c.bucket}/${c.prefix}${key}`, c);
  }
}
