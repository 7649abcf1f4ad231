import { randomUUID } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CreateMultipartUploadCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openS3Store } from '../../adapters/store/s3/index.js';
import { s3Options, type S3Options } from '../../adapters/store/s3/options.js';
import type { Store } from '../../adapters/store/port.js';
import { removeAbandoned } from '../../operations/gc.js';
import { freePort } from '../../processes/index.js';
import { ignoring, inverting } from '../careless-store.js';
import { faultyProxy, type FaultyProxy } from '../faulty-proxy.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { describeStore } from './store.contract.js';

let stack: TestStack;
const prefix = `contract-${Date.now()}/`;
beforeAll(async () => {
  stack = await provideStack(['s3']);
});

function clientOf({ address, context }: TestStack): S3Client {
  return new S3Client({
    endpoint: address('s3'),
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: context.secret('env:AWS_ACCESS_KEY_ID'),
      secretAccessKey: context.secret('env:AWS_SECRET_ACCESS_KEY'),
    },
  });
}

describeStore('s3', () => {
  const { context } = stack;
  const client = clientOf(stack);
  return Promise.resolve({
    store: openS3Store(stack.s3(prefix), context),
    tamper: async (key: string, body: Uint8Array) => {
      await client.send(new PutObjectCommand({ Bucket: 'slipway', Key: `${prefix}${key}`, Body: body }));
    },
  });
});

describe('store s3, when it cannot be used', () => {
  const context = { root: '/', secret: () => 'wrong' };
  const credentials = { accessKeyId: 'env:A', secretAccessKey: 'env:B' };

  test('is unavailable, temporarily, when nothing listens', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const store = openS3Store(s3Options.parse({ adapter: 's3', endpoint, bucket: 'slipway', credentials }), context);
    for (const call of [
      () => store.read('a'),
      () => store.list(''),
      () => store.put('a', new Uint8Array(1)),
      () => store.get({ uri: 's3://slipway/a', sha256: '', bytes: 1 }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    }
  });

  test('says that access is denied to wrong credentials, and does not show them', async () => {
    const store = openS3Store(s3Options.parse({ ...stack.s3(prefix), credentials }), {
      root: '/',
      secret: () => 'planted-secret',
    });
    const error = await store.read('a').catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'E_S3_ACCESS', exitCode: 77 });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('planted-secret');
  });

  test('names the code of a missing bucket', async () => {
    const store = openS3Store({ ...stack.s3(prefix), bucket: `none-${Date.now()}` }, stack.context);
    await expect(store.read('a')).rejects.toMatchObject({
      code: 'E_S3_ACCESS',
      message: expect.stringContaining('NoSuchBucket') as string,
    });
  });
});

describe('store s3, when answers go wrong', () => {
  let proxy: FaultyProxy;
  let store: Store;
  const body = Buffer.from('record');
  const key = () => `faults/${randomUUID()}`;
  beforeAll(async () => {
    proxy = await faultyProxy(stack.address('s3'));
    store = openS3Store({ ...stack.s3(prefix), endpoint: proxy.url }, stack.context);
  });
  afterAll(() => proxy.close());

  test('tries again when the store answers 409 to a conditional write', async () => {
    let conflicts = 2;
    const conflict = {
      status: 409,
      type: 'application/xml',
      body: '<Error><Code>ConditionalRequestConflict</Code><Message>again</Message></Error>',
    };
    proxy.meddle(({ method }) => (method === 'PUT' && conflicts-- > 0 ? conflict : 'pass'));
    await store.put(key(), body, { ifAbsent: true });
    expect(conflicts).toBe(-1);
  });

  test('knows its own write again when only the answer was lost', async () => {
    const at = key();
    let lost = 0;
    proxy.meddle(({ method }) => (method === 'PUT' && lost++ === 0 ? 'lose-answer' : 'pass'));
    expect(await store.replace(at, body, undefined)).toBe(true);
    expect(lost).toBe(2);
    lost = 0;
    expect(await store.replace(at, Buffer.from('next'), (await store.read(at))?.etag)).toBe(true);
  });

  test("takes a write for another's when the answer was lost and another wrote since", async () => {
    const at = key();
    let lost = 0;
    const other = openS3Store(stack.s3(prefix), stack.context);
    proxy.meddle(({ method }) =>
      method === 'PUT' && lost++ === 0
        ? { status: 503, type: 'application/xml', body: '<Error><Code>SlowDown</Code></Error>' }
        : 'pass',
    );
    await other.replace(at, body, undefined);
    expect(await store.replace(at, body, undefined)).toBe(false);
  });

  test('fetches again when a body breaks off', async () => {
    const at = key();
    const ref = await store.put(at, Buffer.alloc(300_000, 'x'));
    let broken = 0;
    proxy.meddle(({ method }) => (method === 'GET' && broken++ === 0 ? 'break-off' : 'pass'));
    expect(await store.get(ref)).toHaveLength(300_000);
    expect(broken).toBe(2);
  });

  test('sends only the part again that broke off, of a file of many', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
    const file = join(folder, 'model');
    await writeFile(file, Buffer.alloc(80 * 1024 * 1024, 'a'));
    const at = key();
    const parts = new Map<string, number>();
    proxy.meddle(({ method, path }) => {
      const part = /partNumber=(\d+)/.exec(path)?.[1];
      if (method !== 'PUT' || part === undefined) return 'pass';
      const tries = (parts.get(part) ?? 0) + 1;
      parts.set(part, tries);
      return part === '3' && tries === 1 ? 'reset-after' : 'pass';
    });
    const ref = await store.putFile(at, file, { ifAbsent: true });
    expect(Object.fromEntries(parts)).toEqual({ 1: 1, 2: 1, 3: 2, 4: 1, 5: 1 });
    await store.getFile(ref, join(folder, 'again'));
    expect(await store.list(at)).toHaveLength(1);
    await rm(folder, { recursive: true });
  });

  test('completes no upload of a file that changes meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
    const file = join(folder, 'model');
    await writeFile(file, Buffer.alloc(80 * 1024 * 1024, 'a'));
    const at = key();
    proxy.meddle(({ method, path }) => {
      // The first part is in memory by then, the last is not.
      if (method === 'POST' && path.includes('?uploads')) truncateSync(file, 79 * 1024 * 1024);
      return 'pass';
    });
    await expect(store.putFile(at, file, { ifAbsent: true })).rejects.toMatchObject({ code: 'E_ARTIFACT_CHANGED' });
    expect(await store.list(at)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  test('says which setting helps a store that does not know checksums of newer clients, and does without them then', async () => {
    const unknown = { status: 501, type: 'application/xml', body: '<Error><Code>NotImplemented</Code></Error>' };
    const checksums = (names: object) => Object.keys(names).some((name) => /checksum/.test(name));
    proxy.meddle(({ headers }) => (checksums(headers) ? unknown : 'pass'));
    await expect(store.put(key(), body)).rejects.toMatchObject({
      code: 'E_S3_ACCESS',
      exitCode: 78,
      message: expect.stringContaining("checksums: 'when_required'") as string,
    });
    const plain = openS3Store({ ...stack.s3(prefix), endpoint: proxy.url, checksums: 'when_required' }, stack.context);
    const stored = await plain.put(key(), body);
    expect(Buffer.from(await plain.get(stored))).toEqual(Buffer.from(body));
  });

  test('sends a checksum with the bytes, and the store refuses bytes that changed on their way', async () => {
    const at = key();
    proxy.meddle(({ method }) => (method === 'PUT' ? 'change-bytes' : 'pass'));
    await expect(store.put(at, body, { ifAbsent: true })).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    expect(await store.list(at)).toEqual([]);
  });
});

describe('store s3, asked whether create-only writes are such', () => {
  let proxy: FaultyProxy;
  const below = () => `${prefix}${randomUUID()}/`;
  const through = (more: Partial<S3Options> = {}) =>
    openS3Store({ ...stack.s3(below()), endpoint: proxy.url, ...more }, stack.context);
  beforeAll(async () => {
    proxy = await faultyProxy(stack.address('s3'));
  });
  afterAll(() => proxy.close());

  test('finds that they are, the first time and later, and when many ask at once', async () => {
    const own = below();
    const ask = () => openS3Store(stack.s3(own), stack.context).checkConditions();
    expect(await Promise.all(Array.from({ length: 8 }, ask))).toEqual(Array.from({ length: 8 }));
    expect(await ask()).toBeUndefined();
    const objects = await openS3Store(stack.s3(own), stack.context).list('');
    expect(objects.map(({ key }) => key)).toEqual(['probes/conditional-write']);
  });

  test('refuses a store that writes over what is there', async () => {
    proxy.meddle(ignoring);
    await expect(through().checkConditions()).rejects.toMatchObject({
      code: 'E_STORE_UNSAFE',
      exitCode: 78,
      message: expect.stringContaining('singleWriter: true') as string,
    });
  });

  test.each([
    ['nothing is there', false],
    ['something is there', true],
  ])('refuses a store that has it the wrong way round, when %s', async (_when, there) => {
    proxy.meddle(inverting(() => there));
    await expect(through().checkConditions()).rejects.toMatchObject({ code: 'E_STORE_UNSAFE', exitCode: 78 });
  });

  test('lets it pass, with a warning, where only one process writes', async () => {
    proxy.meddle(ignoring);
    expect(await through({ singleWriter: true }).checkConditions()).toMatchObject({ code: 'E_STORE_UNSAFE' });
  });

  test('says no such thing of a store that gives no answer, or that was interrupted by another write', async () => {
    const busy = (status: number, code: string) => ({
      status,
      type: 'application/xml',
      body: `<Error><Code>${code}</Code></Error>`,
    });
    for (const fate of [busy(503, 'SlowDown'), busy(409, 'ConditionalRequestConflict')]) {
      proxy.meddle(() => fate);
      await expect(through().checkConditions()).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    }
  });
});

describe('an upload whose writer died', () => {
  const own = `${prefix}dead/`;

  async function dyingUpload(): Promise<void> {
    const proxy = await faultyProxy(stack.address('s3'));
    const folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
    const file = join(folder, 'model');
    await writeFile(file, Buffer.alloc(80 * 1024 * 1024, 'a'));
    const writer = openS3Store({ ...stack.s3(own), endpoint: proxy.url }, stack.context);
    const death = new AbortController();
    let parts = 0;
    // As with a dead process, the store hears no more of it: neither the second part nor that it is given up.
    proxy.meddle(({ method, path }) => {
      if (method === 'PUT' && path.includes('partNumber=') && ++parts === 1) return 'pass';
      if (method === 'POST' && path.includes('uploads')) return 'pass';
      if (parts > 1) death.abort();
      return method === 'HEAD' ? 'pass' : 'black-hole';
    });
    await writer.putFile('jobs/a/model', file, { ifAbsent: true, signal: death.signal }).catch(() => undefined);
    await proxy.close();
    await rm(folder, { recursive: true });
  }

  test('shows no object, and is removed once it is old; younger ones and those of others stay', async () => {
    await dyingUpload();
    const store = openS3Store(stack.s3(own), stack.context);
    expect(await store.list('')).toEqual([]);
    const [upload] = await store.unfinished('jobs/');
    expect(upload?.key).toBe('jobs/a/model');
    const client = clientOf(stack);
    const strangers = ['strange/a', 'jobs'].map((key) => `${own}${key}`);
    for (const Key of strangers) await client.send(new CreateMultipartUploadCommand({ Bucket: 'slipway', Key }));
    const day = 86_400_000;
    const gone = { uri: store.uri('jobs/a/model'), startedAt: upload?.startedAt.toISOString() };

    expect(await removeAbandoned(store, { olderThanMs: day, dryRun: false })).toEqual([]);
    const later = Date.now() + day + 60_000;
    const dry = await removeAbandoned(store, { olderThanMs: day, dryRun: true, now: later });
    expect(dry).toEqual([{ ...gone, removed: false }]);
    expect(await store.unfinished('')).toHaveLength(3);
    expect(await removeAbandoned(store, { olderThanMs: 0, dryRun: false, now: later })).toEqual([
      { ...gone, removed: true },
    ]);
    expect((await store.unfinished('')).map(({ key }) => `${own}${key}`).sort()).toEqual([...strangers].sort());
  });
});
