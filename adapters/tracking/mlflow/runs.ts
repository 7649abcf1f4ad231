import { z } from 'zod';

import type { MlflowApi } from '../../mlflow-api/client.js';
import { duplicateTag, keyFilter, keyTag, tagList, toTagList } from '../../mlflow-api/tags.js';

const run = z.object({
  info: z.object({
    run_id: z.string(),
    experiment_id: z.string(),
    status: z.string(),
    start_time: z.coerce.number().default(0),
  }),
  data: z
    .object({
      params: z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]),
      metrics: z.array(z.object({ key: z.string(), value: z.coerce.number().default(0) })).default([]),
      tags: tagList,
    })
    .prefault({}),
});
/** A run as MLflow tells it. */
export type Run = z.output<typeof run>;
const runAnswer = z.object({ run });
/** A run that is wanted: see `Tracking.open`. */
export interface WantedRun {
  key: string;
  tags: Record<string, string>;
  first: boolean;
}

/** The run of a key; made when absent. Of several made by racing starters the oldest counts, the others are tagged. */
export async function runOfKey(
  api: MlflowApi,
  experiment: string,
  { key, tags, first: isFirst }: WantedRun,
  signal?: AbortSignal,
): Promise<Run> {
  const [before] = isFirst ? [] : await runsOfKey(api, experiment, key, signal);
  if (before !== undefined) return before;
  const made = await createRun(api, experiment, { key, tags }, signal);
  if (isFirst && !(made instanceof Error)) return made;
  // The server may have made it and failed to say so: what is there decides.
  const [first, ...others] = await runsOfKey(api, experiment, key, signal);
  if (first === undefined) {
    throw made instanceof Error ? made : new Error(`MLflow lists no run of key ${key} right after creating it`);
  }
  for (const { info } of others) {
    await api.call(
      'POST',
      'runs/set-tag',
      { run_id: info.run_id, key: duplicateTag, value: first.info.run_id },
      z.object({}),
      signal,
    );
    await api.call(
      'POST',
      'runs/update',
      { run_id: info.run_id, status: 'KILLED', end_time: Date.now() },
      z.object({}),
      signal,
    );
  }
  return first;
}

/** The new run, or why there is none. */
async function createRun(
  api: MlflowApi,
  experiment: string,
  { key, tags }: Omit<WantedRun, 'first'>,
  signal: AbortSignal | undefined,
): Promise<Run | Error> {
  const body = {
    experiment_id: experiment,
    run_name: tags['mlflow.runName'] ?? key.slice(0, 12),
    start_time: Date.now(),
    tags: toTagList({ ...tags, [keyTag]: key }),
  };
  return await api.call('POST', 'runs/create', body, runAnswer, signal).then(
    ({ run: made }) => made,
    (error: Error) => error,
  );
}

export async function getRun(api: MlflowApi, runId: string, signal?: AbortSignal): Promise<Run> {
  return (await api.call('GET', 'runs/get', { run_id: runId }, runAnswer, signal)).run;
}

async function runsOfKey(api: MlflowApi, experiment: string, key: string, signal?: AbortSignal): Promise<Run[]> {
  const body = { experiment_ids: [experiment], filter: keyFilter(key), max_results: 100 };
  const { runs } = await api.call('POST', 'runs/search', body, z.object({ runs: z.array(run).default([]) }), signal);
  return runs.sort((a, b) => a.info.start_time - b.info.start_time || (a.info.run_id < b.info.run_id ? -1 : 1));
}
