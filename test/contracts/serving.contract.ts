import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Serving, ServingVersion } from '../../adapters/serving/port.js';
import { shortDigest } from '../../plan/artifact.js';
import type { Json } from '../../plan/json.js';
import type { Endpoint } from '../../plan/outputs.js';

export interface ServingHarness {
  serving: Serving;
  /** Two versions of one service, with different models. */
  versions: [ServingVersion, ServingVersion];
  /** An inference request that both answer. */
  request: Json;
  /** One that both refuse. */
  badRequest: Json;
  /** Ends a server as a crash would. */
  crash(endpoint: Endpoint): Promise<void>;
  close(): Promise<void>;
}

const modelOf = (version: ServingVersion): string =>
  version.files.find(({ path }) => path === 'model/model.skops')?.sha256 ?? '';

/** What everything that starts model servers must do. A start takes seconds: tests go on with a server that one before has left. */
export function describeServing(name: string, open: () => Promise<ServingHarness>): void {
  describe(`serving ${name}`, () => {
    let harness: ServingHarness;
    let serving: Serving;
    let first: ServingVersion;
    let second: ServingVersion;
    beforeAll(async () => {
      harness = await open();
      serving = harness.serving;
      [first, second] = harness.versions;
    });
    afterAll(() => harness.close());

    test('a version that is loaded twice, also at once, has one server', async () => {
      const [a, b] = await Promise.all([serving.load(first), serving.load(first)]);
      expect(a).toEqual(b);
      expect(await serving.load(first)).toEqual(a);
      expect(await serving.list()).toEqual([a]);
    });

    test('a loaded version is ready and says who it is', async () => {
      const endpoint = await serving.load(first);
      const sha256 = modelOf(first);
      expect(endpoint).toMatchObject({
        id: `${first.service}-${shortDigest(sha256)}`,
        service: first.service,
        version: first.version,
        sha256,
      });
      expect(await serving.ready(endpoint)).toBe(true);
      expect(await serving.version(endpoint)).toEqual({ version: first.version, sha256 });
    });

    test('an answer names the version that gave it', async () => {
      const endpoint = await serving.load(first);
      const answer = await serving.predict(endpoint, harness.request, { 'x-user-id': 'u' });
      expect(answer).toMatchObject({ status: 200, version: first.version, sha256: modelOf(first) });
      expect(answer.body).toMatchObject({
        outputs: expect.arrayContaining([expect.objectContaining({ name: 'label' })]) as unknown,
      });
    });

    test('a bad request is an answer with its status, not a failure', async () => {
      const endpoint = await serving.load(first);
      expect(await serving.predict(endpoint, harness.badRequest)).toMatchObject({ status: 400 });
    });

    test('two versions run side by side, each with its own model', async () => {
      const endpoints = [await serving.load(first), await serving.load(second)];
      const ids = (await serving.list()).map(({ id }) => id);
      expect(ids.sort()).toEqual(endpoints.map(({ id }) => id).sort());
      for (const [n, endpoint] of endpoints.entries()) {
        expect(await serving.version(endpoint)).toEqual({
          version: harness.versions[n]?.version,
          sha256: endpoint.sha256,
        });
      }
    });

    test('the same model registered as another version gets a server that names that version', async () => {
      const endpoint = await serving.load(first);
      const again = await serving.load({ ...first, version: 'again' });
      expect(again.id).not.toBe(endpoint.id);
      expect(await serving.version(again)).toEqual({ version: 'again', sha256: endpoint.sha256 });
      expect(await serving.version(endpoint)).toMatchObject({ version: first.version });
    });

    test('a server that crashed is not ready, is not listed, and is started again', async () => {
      const endpoint = await serving.load(first);
      await harness.crash(endpoint);
      expect(await serving.ready(endpoint)).toBe(false);
      expect(await serving.list()).not.toContainEqual(endpoint);
      await expect(serving.predict(endpoint, harness.request)).rejects.toMatchObject({
        code: 'E_UNAVAILABLE',
        exitCode: 75,
      });
      await expect(serving.version(endpoint)).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
      const again = await serving.load(first);
      expect(again.id).toBe(endpoint.id);
      expect(await serving.ready(again)).toBe(true);
    });

    test('an unloaded version is gone; unloading twice is fine, loading it again too', async () => {
      const endpoint = await serving.load(first);
      await serving.unload(endpoint);
      await serving.unload(endpoint);
      expect(await serving.list()).not.toContainEqual(endpoint);
      expect(await serving.ready(endpoint)).toBe(false);
      expect(await serving.ready(await serving.load(first))).toBe(true);
    });

    test('model bytes that do not fit their digest are never served', async () => {
      for (const endpoint of await serving.list()) await serving.unload(endpoint);
      const files = second.files.map((file) =>
        file.path === 'model/model.skops' ? { ...file, sha256: '0'.repeat(64) } : file,
      );
      await expect(serving.load({ ...second, files })).rejects.toMatchObject({ code: 'E_ARTIFACT_DIGEST' });
      expect(await serving.list()).toEqual([]);
    });

    test('files without a model are refused by name', async () => {
      const files = first.files.filter(({ path }) => path !== 'model/model.skops');
      await expect(serving.load({ ...first, files })).rejects.toMatchObject({
        code: 'E_SERVING_MODEL',
        message: expect.stringContaining('model.json') as string,
      });
    });
  });
}
