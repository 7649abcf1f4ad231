import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Store } from '../../adapters/store/port.js';
import type { ArtifactRef } from '../../plan/artifact.js';

export interface StoreHarness {
  store: Store;
  /** Puts other bytes under a key, behind the store's back. */
  tamper(key: string, body: Uint8Array): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const unique = (): string => randomBytes(6).toString('hex');

/** What every artifact store must do. */
export function describeStore(name: string, open: () => Promise<StoreHarness>): void {
  describe(`store ${name}`, () => {
    let harness: StoreHarness;
    let store: Store;
    let folder: string;
    beforeAll(async () => {
      harness = await open();
      store = harness.store;
      folder = await mkdtemp(join(tmpdir(), 'slipway-store-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    describe('bytes', () => {
      test('come back as they were put, named by uri, digest and size', async () => {
        const body = bytes('model');
        const ref = await store.put(`a/${unique()}.bin`, body);
        expect(ref).toMatchObject({ sha256: sha256(body), bytes: 5 });
        expect(Buffer.from(await store.get(ref)).toString()).toBe('model');
      });

      test('may be empty', async () => {
        const ref = await store.put(`a/${unique()}`, new Uint8Array());
        expect(await store.get(ref)).toHaveLength(0);
      });

      test('that changed are refused with both hashes and the uri', async () => {
        const key = `a/${unique()}`;
        const ref = await store.put(key, bytes('what was put'));
        await harness.tamper(key, bytes('what is there'));
        const error = await store.get(ref).catch((e: unknown) => e);
        expect(error).toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
        const { message } = error as Error;
        expect(message).toContain(sha256(bytes('what was put')).slice(0, 12));
        expect(message).toContain(sha256(bytes('what is there')).slice(0, 12));
        expect(message).toContain(ref.uri);
      });

      test.each([
        ['shorter', 'what was'],
        ['longer', 'what was put and more'],
        ['empty', ''],
      ])('that became %s are refused', async (_how, now) => {
        const key = `a/${unique()}`;
        const ref = await store.put(key, bytes('what was put'));
        await harness.tamper(key, bytes(now));
        await expect(store.get(ref)).rejects.toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
      });

      test('with one bit changed anywhere are refused', async () => {
        const key = `a/${unique()}`;
        const body = randomBytes(4_096);
        const ref = await store.put(key, body);
        for (let n = 0; n < 200; n++) {
          const changed = Buffer.from(body);
          const at = randomBytes(2).readUInt16LE() % body.length;
          changed[at] = (changed[at] ?? 0) ^ (1 << (n % 8));
          await harness.tamper(key, changed);
          await expect(store.get(ref), `byte ${at}`).rejects.toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
        }
      });

      test('that are not there are refused as missing', async () => {
        const ref: ArtifactRef = { uri: store.uri(`a/${unique()}`), sha256: sha256(bytes('x')), bytes: 1 };
        await expect(store.get(ref)).rejects.toMatchObject({ code: 'E_ARTIFACT_MISSING' });
      });

      test('of more than 256 MiB are not read into memory', async () => {
        const ref = await store.put(`a/${unique()}`, bytes('x'));
        await expect(store.get({ ...ref, bytes: 256 * 1024 * 1024 + 1 })).rejects.toMatchObject({
          code: 'E_ARTIFACT_SIZE',
        });
      });
    });

    describe('create-only', () => {
      test('the same bytes again are success', async () => {
        const key = `b/${unique()}`;
        const first = await store.put(key, bytes('v1'), { ifAbsent: true });
        expect(await store.put(key, bytes('v1'), { ifAbsent: true })).toEqual(first);
      });

      test('other bytes under the same name are refused and nothing is overwritten', async () => {
        const key = `b/${unique()}`;
        const first = await store.put(key, bytes('v1'), { ifAbsent: true });
        await expect(store.put(key, bytes('v2'), { ifAbsent: true })).rejects.toMatchObject({
          code: 'E_ARTIFACT_CONFLICT',
        });
        expect(Buffer.from(await store.get(first)).toString()).toBe('v1');
      });

      test('of writers that race one wins and its bytes stay', async () => {
        for (let round = 0; round < 4; round++) {
          const key = `b/${unique()}`;
          const results = await Promise.allSettled(
            [1, 2, 3, 4, 5].map((n) => store.put(key, bytes(`writer ${n}`), { ifAbsent: true })),
          );
          const won = results.filter((r) => r.status === 'fulfilled');
          expect(won).toHaveLength(1);
          for (const lost of results.filter((r) => r.status === 'rejected'))
            expect(lost.reason).toMatchObject({ code: 'E_ARTIFACT_CONFLICT' });
          await store.get(won[0]!.value);
        }
      });
    });

    describe('files', () => {
      const file = async (body: Uint8Array | string): Promise<string> => {
        const path = join(folder, unique());
        await writeFile(path, body);
        return path;
      };

      test('go up and come down unchanged', async () => {
        const ref = await store.putFile(`c/${unique()}`, await file('content'), { ifAbsent: true });
        const to = join(folder, unique());
        await store.getFile(ref, to);
        expect(await readFile(to, 'utf8')).toBe('content');
      });

      test('whose bytes changed in the store leave nothing behind', async () => {
        const key = `c/${unique()}`;
        const ref = await store.putFile(key, await file('content'));
        await harness.tamper(key, bytes('content and a tail'));
        const to = join(folder, 'down', unique());
        await expect(store.getFile(ref, to)).rejects.toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
        expect(await readdir(join(folder, 'down'))).toEqual([]);
      });

      test('never replace a file', async () => {
        const ref = await store.putFile(`c/${unique()}`, await file('new'));
        const to = await file('old');
        await expect(store.getFile(ref, to)).rejects.toMatchObject({ code: 'E_FILE_EXISTS' });
        expect(await readFile(to, 'utf8')).toBe('old');
      });

      test('that are links or folders are not uploaded', async () => {
        const link = join(folder, unique());
        await symlink(await file('x'), link);
        await expect(store.putFile(`c/${unique()}`, link)).rejects.toMatchObject({ code: 'E_FILE_KIND' });
        await expect(store.putFile(`c/${unique()}`, folder)).rejects.toMatchObject({ code: 'E_FILE_KIND' });
      });

      test('of more than 64 MiB are create-only too', async () => {
        const body = Buffer.alloc(70 * 1024 * 1024, 'slipway ');
        const path = await file(body);
        const key = `c/${unique()}`;
        const ref = await store.putFile(key, path, { ifAbsent: true });
        expect(ref).toMatchObject({ sha256: sha256(body), bytes: body.length });
        expect(await store.putFile(key, path, { ifAbsent: true })).toEqual(ref);
        body[1] = 0;
        await expect(store.putFile(key, await file(body), { ifAbsent: true })).rejects.toMatchObject({
          code: 'E_ARTIFACT_CONFLICT',
        });
        const to = join(folder, unique());
        await store.getFile(ref, to);
        expect(existsSync(to)).toBe(true);
      });
    });

    describe('records', () => {
      test('that are not there read as undefined', async () => {
        expect(await store.read(`d/${unique()}`)).toBeUndefined();
      });

      test('are read whole up to the limit that the reader sets, by default 4 MiB', async () => {
        const key = `d/${unique()}`;
        const size = 4 * 1024 * 1024 + 1;
        await store.put(key, new Uint8Array(size));
        await expect(store.read(key)).rejects.toMatchObject({ code: 'E_ARTIFACT_SIZE' });
        expect((await store.read(key, { limitBytes: size }))?.body.length).toBe(size);
      });

      test('are replaced only by who read the latest', async () => {
        const key = `d/${unique()}.json`;
        expect(await store.replace(key, bytes('1'), undefined)).toBe(true);
        const first = await store.read(key);
        expect(await store.replace(key, bytes('2'), first?.etag)).toBe(true);
        expect(await store.replace(key, bytes('3'), first?.etag)).toBe(false);
        expect(Buffer.from((await store.read(key))!.body).toString()).toBe('2');
      });

      test('are not created over another', async () => {
        const key = `d/${unique()}`;
        await store.replace(key, bytes('1'), undefined);
        expect(await store.replace(key, bytes('1'), undefined)).toBe(false);
      });

      test('that are not there cannot be replaced', async () => {
        expect(await store.replace(`d/${unique()}`, bytes('1'), '"d41d8cd98f00b204e9800998ecf8427e"')).toBe(false);
      });

      test('have one winner per version among racing writers', async () => {
        const key = `d/${unique()}`;
        await store.replace(key, bytes('start'), undefined);
        for (let round = 0; round < 4; round++) {
          const etag = (await store.read(key))?.etag;
          const wins = await Promise.all([1, 2, 3, 4].map((n) => store.replace(key, bytes(`${round} ${n}`), etag)));
          expect(wins.filter(Boolean)).toHaveLength(1);
        }
      });
    });

    describe('names', () => {
      test('below a prefix are listed in order, with sizes', async () => {
        const at = `e/${unique()}/`;
        for (const n of ['0000000002.json', '0000000010.json', '0000000001.json'])
          await store.put(`${at}${n}`, bytes(n));
        expect(await store.list(at)).toEqual(
          ['0000000001.json', '0000000002.json', '0000000010.json'].map((n) => ({ key: `${at}${n}`, bytes: 15 })),
        );
        expect(await store.list(`e/${unique()}/`)).toEqual([]);
      });

      test('turn into addresses and back', () => {
        expect(store.key(store.uri('a/b.json'))).toBe('a/b.json');
        expect(store.uri('jobs/1/')).toMatch(/^s3:\/\/[^/]+\/.*jobs\/1\/$/);
      });

      test.each([
        's3://',
        's3:///key',
        'https://a/b',
        's3://slipway/a/../b',
        's3://slipway/a\0b',
        `s3://slipway/${'k'.repeat(1100)}`,
        's3://another/key',
        '',
      ])('of no object of the store are refused: %j', async (uri) => {
        expect(() => store.key(uri)).toThrow(expect.objectContaining({ code: 'E_S3_URI' }));
        await expect(store.get({ uri, sha256: '', bytes: 0 })).rejects.toMatchObject({ code: 'E_S3_URI' });
      });

      test.each(['', 'a/', '../a', 'a//b', 'a/./b', '/a', 'a\nb'])(
        'that no object can have are refused: %j',
        async (key) => {
          await expect(store.put(key, bytes('x'))).rejects.toMatchObject({ code: 'E_S3_URI' });
        },
      );
    });
  });
}
