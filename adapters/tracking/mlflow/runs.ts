import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { isRefusal, type MlflowApi } from '../../mlflow-api/client.js';
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
const experimentAnswer = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string().default('active') }),
});

/** The id of an experiment; made when absent. `E_TRACKING_DELETED` when somebody deleted it. */
export async function experimentId(api: MlflowApi, name: string, signal?: AbortSignal): Promise<string> {
  const found = (await findExperiment(api, name, signal)) ?? (await createExperiment(api, name, signal));
  if (found.lifecycle_stage === 'active') return found.experiment_id;
  throw new SlipwayError({
    code: 'E_TRACKING_DELETED',
    where: name,
    message: `this experiment was deleted in MLflow (id ${found.experiment_id}), and its name is still taken`,
    fix: `Restore it: mlflow experiments restore --experiment-id ${found.experiment_id}`,
  });
}

/** The run of a key; made when absent. Of several made by racing starters the oldest counts, the others are tagged. */
export async function runOfKey(
  api: MlflowApi,
  experiment: string,
  key: string,
  tags: Record<string, string>,
  signal?: AbortSignal,
): Promise<Run> {
  const before = await runsOfKey(api, experiment, key, signal);
  if (before[0] !== undefined) return before[0];
  const body = {
    experiment_id: experiment,
    run_name: tags['mlflow.runName'] ?? key.slice(0, 12),
    start_time: Date.now(),
    tags: toTagList({ ...tags, [keyTag]: key }),
  };
  const refused = await api.call('POST', 'runs/create', body, runAnswer, signal).then(
    () => undefined,
    (error: Error) => error,
  );
  // The server may have made it and failed to say so: what is there decides.
  const [first, ...others] = await runsOfKey(api, experiment, key, signal);
  if (first === undefined) throw refused ?? new Error(`MLflow lists no run of key ${key} right after creating it`);
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

export async function getRun(api: MlflowApi, runId: string, signal?: AbortSignal): Promise<Run> {
  return (await api.call('GET', 'runs/get', { run_id: runId }, runAnswer, signal)).run;
}

async function runsOfKey(api: MlflowApi, experiment: string, key: string, signal?: AbortSignal): Promise<Run[]> {
  const body = { experiment_ids: [experiment], filter: keyFilter(key), max_results: 100 };
  const { runs } = await api.call('POST', 'runs/search', body, z.object({ runs: z.array(run).default([]) }), signal);
  return runs.sort((a, b) => a.info.start_time - b.info.start_time || (a.info.run_id < b.info.run_id ? -1 : 1));
}

type Experiment = z.output<typeof experimentAnswer>['experiment'];

async function findExperiment(api: MlflowApi, name: string, signal?: AbortSignal): Promise<Experiment | undefined> {
  try {
    return (await api.call('GET', 'experiments/get-by-name', { experiment_name: name }, experimentAnswer, signal))
      .experiment;
  } catch (error) {
    if (isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) return undefined;
    throw error;
  }
}

async function createExperiment(api: MlflowApi, name: string, signal?: AbortSignal): Promise<Experiment> {
  try {
    const { experiment_id } = await api.call(
      'POST',
      'experiments/create',
      { name },
      z.object({ experiment_id: z.string() }),
      signal,
    );
    return { experiment_id, lifecycle_stage: 'active' };
  } catch (error) {
    const found = isRefusal(error, 'RESOURCE_ALREADY_EXISTS') ? await findExperiment(api, name, signal) : undefined;
    if (found === undefined) throw error;
    return found;
  }
}
