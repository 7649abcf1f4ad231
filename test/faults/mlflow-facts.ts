import { z } from 'zod';
import type { Lane } from './lane.js';

const answer = z.object({
  model_versions: z
    .array(z.object({ version: z.coerce.string(), tags: z.array(z.object({ key: z.string(), value: z.string() })) }))
    .default([]),
});

/** What MLflow itself holds of a run, asked past our adapter: versions with their tags. */
export async function registeredVersions(
  lane: Lane,
  workflowId: string,
): Promise<{ version: string; tags: Record<string, string> }[]> {
  const url = new URL('/api/2.0/mlflow/model-versions/search', lane.addresses.mlflow);
  url.searchParams.set('filter', `name='${lane.name}' and tags.\`slipway.run\` = '${workflowId}'`);
  const found = answer.parse(await (await fetch(url)).json());
  return found.model_versions.map(({ version, tags }) => ({
    version,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  }));
}
