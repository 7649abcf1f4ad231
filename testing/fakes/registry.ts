import { checkedName } from '../../adapters/registry/mlflow/versions.js';
import type { RegisteredVersion, Registry } from '../../adapters/registry/port.js';
import { SlipwayError } from '../../plan/errors.js';

export interface FakeRegistry extends Registry {
  /** Versions by model name, in the order of their numbers. */
  models: Map<string, (RegisteredVersion & { key: string })[]>;
}

/** A model registry in memory. */
export function fakeRegistry(): FakeRegistry {
  const models: FakeRegistry['models'] = new Map();
  const aliases = new Map<string, Map<string, string>>();
  const find = (name: string, version: string): RegisteredVersion | undefined =>
    models.get(name)?.find((v) => v.version === version);
  const existing = (name: string, version: string): RegisteredVersion => {
    const found = find(name, version);
    if (found === undefined)
      throw new SlipwayError({ code: 'E_REGISTRY_VERSION', where: name, message: `no version ${version}` });
    return found;
  };
  return {
    models,
    async register(candidate, key) {
      const name = checkedName(candidate.name);
      const versions = models.get(name) ?? [];
      models.set(name, versions);
      const known = versions.find((v) => v.key === key);
      if (known !== undefined && known.source !== candidate.package.uri) {
        throw new SlipwayError({
          code: 'E_REGISTRY_READBACK',
          where: name,
          message: `this key has the source ${known.source}`,
        });
      }
      if (known !== undefined) return described(known);
      const version = String(versions.length + 1);
      const url = `http://127.0.0.1/models/${name}/versions/${version}`;
      const made = { name, version, key, url, source: candidate.package.uri, tags: { ...candidate.tags } };
      versions.push(made);
      return described(made);
    },
    async setAlias(name, alias, version) {
      existing(name, version);
      aliases.set(name, (aliases.get(name) ?? new Map<string, string>()).set(alias, version));
    },
    async aliases(name) {
      return Object.fromEntries(aliases.get(name) ?? []);
    },
    async tag(name, version, tags) {
      Object.assign(existing(name, version).tags, tags);
    },
    async describe(name, version) {
      const found = find(name, version);
      return found && described(found);
    },
  };
}

function described({ name, version, url, tags, source }: RegisteredVersion): RegisteredVersion {
  return { name, version, url, tags: { ...tags }, source };
}
