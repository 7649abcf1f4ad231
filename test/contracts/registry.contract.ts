import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Candidate, Registry } from '../../adapters/registry/port.js';

const hex = (): string => randomBytes(32).toString('hex');

/** A candidate of a model name of its own. */
export function candidateOf(name: string, content = 'model'): Candidate {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return {
    name,
    package: {
      uri: `s3://slipway/packages/${name}/${name}-${sha256.slice(0, 12)}.tar.gz`,
      sha256,
      bytes: content.length,
    },
    tags: { pipeline: 'contract', note: 'it\'s "quoted" & täged' },
    description: 'made by a contract test',
  };
}
export const modelName = (): string => `contract-${randomBytes(6).toString('hex')}`;
export const idempotencyKey = hex;

/** What every model registry must do. */
export function describeRegistry(name: string, open: () => Promise<Registry>): void {
  describe(`registry ${name}`, () => {
    let registry: Registry;
    beforeAll(async () => {
      registry = await open();
    });

    test('registers a version with its source and tags, and describes it the same', async () => {
      const candidate = candidateOf(modelName());
      const made = await registry.register(candidate, hex());
      expect(made).toMatchObject({ name: candidate.name, source: candidate.package.uri, tags: candidate.tags });
      expect(await registry.describe(candidate.name, made.version)).toEqual(made);
      expect(made.url).toContain(candidate.name);
    });

    test('gives one version for a key, however often it is registered', async () => {
      const candidate = candidateOf(modelName());
      const key = hex();
      const first = await registry.register(candidate, key);
      expect((await registry.register(candidate, key)).version).toBe(first.version);
      expect((await registry.register(candidate, hex())).version).not.toBe(first.version);
    });

    test('gives racing registrations of a key the same version', async () => {
      const candidate = candidateOf(modelName());
      const key = hex();
      const made = await Promise.all([1, 2, 3, 4].map(() => registry.register(candidate, key)));
      expect(new Set(made.map(({ version }) => version)).size).toBe(1);
    });

    test('refuses to pass off another package as the version of a key', async () => {
      const name = modelName();
      const key = hex();
      await registry.register(candidateOf(name, 'one'), key);
      await expect(registry.register(candidateOf(name, 'two'), key)).rejects.toMatchObject({
        code: 'E_REGISTRY_READBACK',
      });
    });

    test('moves an alias, which then names the other version', async () => {
      const candidate = candidateOf(modelName());
      const one = await registry.register(candidate, hex());
      const two = await registry.register(candidate, hex());
      await registry.setAlias(candidate.name, 'champion', one.version);
      await registry.setAlias(candidate.name, 'champion', two.version);
      await registry.setAlias(candidate.name, 'previous', one.version);
      expect(await registry.aliases(candidate.name)).toEqual({ champion: two.version, previous: one.version });
    });

    test('refuses an alias for a version that is not there', async () => {
      const candidate = candidateOf(modelName());
      await registry.register(candidate, hex());
      await expect(registry.setAlias(candidate.name, 'champion', '99')).rejects.toMatchObject({
        code: 'E_REGISTRY_VERSION',
      });
      expect(await registry.aliases(candidate.name)).toEqual({});
    });

    test('adds and changes tags', async () => {
      const candidate = candidateOf(modelName());
      const { version } = await registry.register(candidate, hex());
      await registry.tag(candidate.name, version, { outcome: 'promoted', note: 'new' });
      expect((await registry.describe(candidate.name, version))?.tags).toMatchObject({
        pipeline: 'contract',
        outcome: 'promoted',
        note: 'new',
      });
    });

    test('refuses tags for a version that is not there', async () => {
      await expect(registry.tag(modelName(), '1', { a: 'b' })).rejects.toMatchObject({ code: 'E_REGISTRY_VERSION' });
    });

    test('knows no aliases and no version of a model that is not there', async () => {
      expect(await registry.aliases(modelName())).toEqual({});
      expect(await registry.describe(modelName(), '1')).toBeUndefined();
    });

    test.each(["a' or name='b", '../a', '', 'a/b'])('refuses %j as a name', async (bad) => {
      await expect(registry.register({ ...candidateOf('x'), name: bad }, hex())).rejects.toMatchObject({
        code: 'E_REGISTRY_NAME',
      });
    });
  });
}
