import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { isRefusal, type MlflowApi } from '../../mlflow-api/client.js';
import { fromTagList, keyFilter, tagList } from '../../mlflow-api/tags.js';
import type { RegisteredVersion } from '../port.js';

const modelVersion = z.object({
  name: z.string(),
  version: z.coerce.string().regex(/^\d+$/),
  source: z.string().default(''),
  run_id: z.string().nullish(),
  tags: tagList,
});
/** A model version as MLflow tells it. */
export type ModelVersion = z.output<typeof modelVersion>;
export const versionAnswer = z.object({ model_version: modelVersion });

/** The version of this number, or undefined. */
export async function findVersion(
  api: MlflowApi,
  name: string,
  version: string,
  signal?: AbortSignal,
): Promise<ModelVersion | undefined> {
  try {
    return (await api.call('GET', 'model-versions/get', { name, version }, versionAnswer, signal)).model_version;
  } catch (error) {
    if (isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) return undefined;
    throw error;
  }
}

/** Versions that carry a key, lowest number first. */
export async function versionsOfKey(
  api: MlflowApi,
  name: string,
  key: string,
  signal?: AbortSignal,
): Promise<ModelVersion[]> {
  const query = { filter: `name='${checkedName(name)}' and ${keyFilter(key)}`, max_results: 1000 };
  const answer = z.object({ model_versions: z.array(modelVersion).default([]) });
  const { model_versions: found } = await api.call('GET', 'model-versions/search', query, answer, signal);
  return found.sort((a, b) => Number(a.version) - Number(b.version));
}

/** A version as the port describes it. */
export function describeVersion(api: MlflowApi, version: ModelVersion): RegisteredVersion {
  const url = `${api.ui}/#/models/${encodeURIComponent(version.name)}/versions/${encodeURIComponent(version.version)}`;
  return { name: version.name, version: version.version, url, tags: fromTagList(version.tags), source: version.source };
}

/** The name, if it means nothing in a filter or a path: `E_REGISTRY_NAME` otherwise. */
export function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._ -]{0,199}$/.test(name)) return name;
  throw new SlipwayError({
    code: 'E_REGISTRY_NAME',
    where: name,
    message: 'is no name of a registered model',
    fix: 'Use letters, digits, `.`, `_`, `-` and spaces, at most 200.',
  });
}
