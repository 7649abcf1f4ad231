import type { S3Client } from '@aws-sdk/client-s3';

import { quietAwsSdk } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { Location } from './location.js';
import type { S3Options } from './options.js';
import { withoutUndefined } from '../../../plan/json.js';

/** The vendor's module and a client of it. */
export interface Connection extends Location {
  sdk: typeof import('@aws-sdk/client-s3');
  client: S3Client;
  /** A checksum travels with every write. */
  checksums: boolean;
  /** Where the keys come from, for people: the references, never the values. */
  keys: string;
}

const attempts = 4;
const timeouts = {
  connectionTimeout: 5_000,
  requestTimeout: 60_000,
  socketTimeout: 60_000,
  throwOnRequestTimeout: true,
};

/** Loads the SDK and makes a client. Nothing is sent yet. */
export async function connect(options: S3Options, context: OpenContext): Promise<Connection> {
  quietAwsSdk();
  const sdk = await import('@aws-sdk/client-s3');
  const { credentials } = options;
  const client = new sdk.S3Client({
    region: options.region,
    forcePathStyle: options.forcePathStyle,
    // Half a millisecond of each request; nobody adds to the client's middleware later.
    cacheMiddleware: true,
    maxAttempts: attempts,
    retryMode: 'standard',
    requestHandler: timeouts,
    requestChecksumCalculation: options.checksums === 'when_required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
    // We compare SHA-256 ourselves, and say which object it was.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...withoutUndefined({ endpoint: options.endpoint }),
    ...(credentials && {
      credentials: {
        accessKeyId: context.secret(credentials.accessKeyId),
        secretAccessKey: context.secret(credentials.secretAccessKey),
      },
    }),
  });
  const checksums = options.checksums === 'when_supported';
  const keys = credentials
    ? `the keys of ${credentials.accessKeyId} and ${credentials.secretAccessKey}`
    : 'the keys that the SDK finds by itself (AWS_… variables, shared files, the role of the machine)';
  return { sdk, client, checksums, keys, bucket: options.bucket, prefix: options.prefix ?? '' };
}

/** Options of one request; none at all where there is no signal, because only such requests use the kept middleware. */
export function requestOptions(signal: AbortSignal | undefined): { abortSignal: AbortSignal } | undefined {
  return signal && { abortSignal: signal };
}
