import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';

import {
  type CreateBucketCommandOutput,
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

import { baseEnvironment, quietAwsSdk, writeFileAtomic } from '../../processes/index.js';
import { ensureProgram, programs } from '../binaries.js';
import type { StackPaths } from '../paths.js';
import { type Launch, type Part, type PartContext, port, stateOf } from './part.js';

/** The one bucket of the local stack. */
export const bucket = 'slipway';
const region = 'us-east-1';
const probeKey = 'readiness-probe';
const requestMs = 5000;

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Each server of the program with the port that it is reached at, and that of its internal calls. */
const servers = { s3: 's3', 's3-master': 'master', 's3-volume': 'volume', 's3-filer': 'filer' } as const;

export const s3: Part = {
  name: 's3',
  needs: [],
  after: [],
  ports: {
    s3: 8333,
    's3-grpc': 18333,
    's3-master': 9333,
    's3-master-grpc': 19333,
    's3-volume': 8380,
    's3-volume-grpc': 18380,
    's3-filer': 8388,
    's3-filer-grpc': 18388,
  },
  externalVariable: 'SLIPWAY_S3_ENDPOINT',
  describe: (ports, paths) => ({
    address: `http://127.0.0.1:${port(ports, 's3')}`,
    credentialsFile: paths.s3Credentials,
  }),
  install: async (context) => {
    // Before any part starts: MLflow does not wait for this one.
    await writeIdentities(context.paths);
    await ensureProgram(programs.weed, { ...context, part: 's3' });
  },
  launch,
  isReady: putsAndGets,
};

async function launch(context: PartContext): Promise<Launch> {
  const { paths } = context;
  const folder = paths.data('s3');
  await mkdir(folder, { recursive: true });
  const args = [
    '-logtostderr=true',
    'server',
    '-filer',
    '-s3',
    `-dir=${folder}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    ...Object.entries(servers).flatMap(([name, flag]) => [
      `-${flag}.port=${port(context.ports, name)}`,
      `-${flag}.port.grpc=${port(context.ports, `${name}-grpc`)}`,
    ]),
    // Side listeners, and a report to its makers, that nobody asked for.
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-master.telemetry=false',
    `-s3.config=${paths.s3Identities}`,
    // One master elects itself: without this a restart takes 10 s longer.
    '-master.electionTimeout=1s',
    '-master.heartbeatInterval=100ms',
    // As many volumes of 1 GB as the disk holds; ending waits for nobody.
    '-master.volumeSizeLimitMB=1024',
    '-volume.max=0',
    '-volume.preStopSeconds=0',
  ];
  return { command: await ensureProgram(programs.weed, { ...context, part: 's3' }), args, env: baseEnvironment() };
}

/** Makes a random secret for this stack on first use; both files are for the owner only. */
async function writeIdentities(paths: StackPaths): Promise<void> {
  const known = await readS3Credentials(paths.s3Credentials);
  const credentials = known ?? { accessKeyId: 'slipway-local', secretAccessKey: randomBytes(24).toString('base64url') };
  if (known === undefined) await writeFileAtomic(paths.s3Credentials, JSON.stringify(credentials), 0o600);
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials;
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
  await writeFileAtomic(
    paths.s3Identities,
    JSON.stringify({ identities: [{ name: 'slipway', credentials: [{ accessKey, secretKey }], actions }] }),
    0o600,
  );
}

/** Reads a credentials file; undefined when it is missing. */
export async function readS3Credentials(file: string): Promise<S3Credentials | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as S3Credentials;
  } catch {
    return undefined;
  }
}

/** Environment by which AWS SDKs find the store of this stack; for one that runs elsewhere, what our own environment says. */
export async function s3Environment(context: PartContext): Promise<Record<string, string>> {
  const { credentialsFile } = stateOf(context, 's3');
  if (credentialsFile === undefined) {
    const entries = Object.entries(context.env).filter(
      (entry): entry is [string, string] => entry[0].startsWith('AWS_') && entry[1] !== undefined,
    );
    return { AWS_REGION: region, ...Object.fromEntries(entries) };
  }
  const credentials = await readS3Credentials(credentialsFile);
  if (credentials === undefined) throw new Error(`The credentials of the store are missing: ${credentialsFile}`);
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
}

/** After a restart it answers long before it can read: only a put and a get that went through count. */
async function putsAndGets(context: PartContext): Promise<boolean> {
  const environment = await s3Environment(context);
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  quietAwsSdk();
  const client = new S3Client({
    endpoint: stateOf(context, 's3').address,
    region: environment['AWS_REGION'] ?? region,
    forcePathStyle: true,
    maxAttempts: 1,
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey } }),
  });
  const abort = { abortSignal: AbortSignal.timeout(requestMs) };
  const body = randomBytes(8).toString('hex');
  try {
    await createBucket(client, abort);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: probeKey, Body: body }), abort);
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: probeKey }), abort);
    // Somebody else may probe at the same moment: any probe that is read back proves it.
    return (await got.Body?.transformToString())?.length === body.length;
  } finally {
    client.destroy();
  }
}

async function createBucket(
  client: S3Client,
  abort: { abortSignal: AbortSignal },
): Promise<CreateBucketCommandOutput | undefined> {
  try {
    return await client.send(new CreateBucketCommand({ Bucket: bucket }), abort);
  } catch (error) {
    if (['BucketAlreadyExists', 'BucketAlreadyOwnedByYou'].includes((error as Error).name)) return undefined;
    throw error;
  }
}
