import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { isRefusal, type MlflowApi, openMlflowApi } from '../../mlflow-api/client.js';
import type { OpenContext } from '../../open-context.js';
import type { Registry } from '../port.js';
import type { MlflowRegistryOptions } from './options.js';
import { register, setTag } from './register.js';
import { checkedName, describeVersion, findVersion, versionAnswer } from './versions.js';

/**
 * Opens MLflow's model registry. Nothing is sent before the first call.
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later.
 */
export function openMlflowRegistry(options: MlflowRegistryOptions, context: OpenContext): Registry {
  const api = openMlflowApi(options, context);
  return {
    async register(candidate, key, signal) {
      return describeVersion(api, await register(api, candidate, key, signal));
    },
    async setAlias(name, alias, version, signal) {
      await ofVersion(name, version, () => setAlias(api, checkedName(name), alias, version, signal));
    },
    async aliases(name, signal) {
      return aliases(api, checkedName(name), signal);
    },
    async tag(name, version, tags, signal) {
      await ofVersion(name, version, async () => {
        for (const [key, value] of Object.entries(tags))
          await setTag(api, checkedName(name), version, key, value, signal);
      });
    },
    async describe(name, version, signal) {
      const found = await findVersion(api, checkedName(name), version, signal);
      return found && describeVersion(api, found);
    },
  };
}

/** Does something to a version; `E_REGISTRY_VERSION` when there is none of that number. */
async function ofVersion(name: string, version: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) throw error;
    const fix = 'Look up its versions in the registry; a deleted one must be registered again.';
    throw new SlipwayError({
      code: 'E_REGISTRY_VERSION',
      where: name,
      message: `the registry has no version ${version} of this model`,
      fix,
    });
  }
}

async function setAlias(
  api: MlflowApi,
  name: string,
  alias: string,
  version: string,
  signal?: AbortSignal,
): Promise<void> {
  await api.call('POST', 'registered-models/alias', { name, alias, version }, z.object({}), signal);
  const { model_version: found } = await api.call(
    'GET',
    'registered-models/alias',
    { name, alias },
    versionAnswer,
    signal,
  );
  if (found.version === version) return;
  throw new SlipwayError({
    code: 'E_REGISTRY_READBACK',
    where: `${name}@${alias}`,
    message: `the alias was set to version ${version}; the registry answers ${found.version}`,
    fix: 'Somebody else moves this alias at the same time: find out who, then set it again.',
  });
}

async function aliases(api: MlflowApi, name: string, signal?: AbortSignal): Promise<Record<string, string>> {
  const alias = z.object({ alias: z.string(), version: z.coerce.string() });
  const answer = z.object({ registered_model: z.object({ aliases: z.array(alias).default([]) }) });
  try {
    const { registered_model: model } = await api.call('GET', 'registered-models/get', { name }, answer, signal);
    return Object.fromEntries(model.aliases.map((a) => [a.alias, a.version]));
  } catch (error) {
    if (isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) return {};
    throw error;
  }
}
