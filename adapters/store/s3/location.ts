import { printable, SlipwayError } from '../../../plan/errors.js';

/** Where the objects of one store live. */
export interface Location {
  bucket: string;
  /** Empty, or ending in `/`. */
  prefix: string;
}

const maxKeyBytes = 1024;

/** The object key of a key of the store. `E_S3_URI` for what is no name of one object. */
export function objectKey({ prefix, bucket }: Location, key: string): string {
  const whole = `${prefix}${key}`;
  const fault = keyFault(whole) ?? (key === '' || key.endsWith('/') ? 'names a folder, not an object' : undefined);
  if (fault !== undefined) throw uriFault(`s3://${bucket}/${whole}`, fault);
  return whole;
}

/** `s3://bucket/prefix/key`; a key that ends in `/` (or is empty) gives the address of a folder. */
export function uriOf({ bucket, prefix }: Location, key: string): string {
  const whole = `${prefix}${key}`;
  const fault = whole === '' ? undefined : keyFault(whole);
  if (fault !== undefined) throw uriFault(`s3://${bucket}/${whole}`, fault);
  return `s3://${bucket}/${whole}`;
}

/** The key of an address of this store; `E_S3_URI` for any other. */
export function keyOf({ bucket, prefix }: Location, uri: string): string {
  const match = /^s3:\/\/([^/]*)\/(.*)$/s.exec(uri);
  if (!match?.[1]) throw uriFault(uri, 'is not of the form s3://bucket/key');
  const whole = match[2] ?? '';
  if (match[1] !== bucket) throw uriFault(uri, `lies in another bucket than this store's \`${bucket}\``);
  const fault = whole === '' ? 'has no key' : keyFault(whole);
  if (fault !== undefined) throw uriFault(uri, fault);
  if (!whole.startsWith(prefix)) throw uriFault(uri, `lies outside this store's prefix \`${prefix}\``);
  return whole.slice(prefix.length);
}

function keyFault(key: string): string | undefined {
  const bytes = Buffer.byteLength(key);
  if (bytes > maxKeyBytes) return `has a key of ${bytes} bytes; at most ${maxKeyBytes} are allowed`;
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\\]/.test(key)) return 'has a control character or backslash in its key';
  const steps = key.replace(/\/$/, '').split('/');
  if (steps.some((step) => step === '' || step === '.' || step === '..'))
    return 'has an empty, `.` or `..` step in its key';
  return undefined;
}

function uriFault(uri: string, fault: string): SlipwayError {
  return new SlipwayError({
    code: 'E_S3_URI',
    where: printable(uri, 120),
    message: fault,
    fix: 'Use s3://<bucket>/<key> with a key of at most 1024 bytes below the bucket and prefix of the configured store.',
  });
}
