import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { isRefusal, MlflowRefusal, type MlflowApi } from '../../mlflow-api/client.js';

const keptMs = 300_000;
const experimentAnswer = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string().default('active') }),
});

/** Experiments whose ids are remembered for five minutes, so that not every run asks for them. */
export interface KnownExperiments {
  /** Does `work` with the id of an experiment, which is made when absent. `E_TRACKING_DELETED` when somebody deleted it. */
  within<T>(name: string, signal: AbortSignal | undefined, work: (id: string) => Promise<T>): Promise<T>;
}

export function knownExperiments(api: MlflowApi): KnownExperiments {
  const known = new Map<string, { id: string; until: number }>();
  return {
    async within(name, signal, work) {
      const before = known.get(name);
      if (before !== undefined && Date.now() < before.until) {
        try {
          return await work(before.id);
        } catch (error) {
          // Deleted meanwhile, or deleted and made anew: what is there now decides.
          if (!(error instanceof MlflowRefusal)) throw error;
        }
      }
      known.delete(name);
      const id = await experimentId(api, name, signal);
      known.set(name, { id, until: Date.now() + keptMs });
      return await work(id);
    },
  };
}

/** The id of an experiment; made when absent. `E_TRACKING_DELETED` when somebody deleted it. */
async function experimentId(api: MlflowApi, name: string, signal?: AbortSignal): Promise<string> {
  const found = (await findExperiment(api, name, signal)) ?? (await createExperiment(api, name, signal));
  if (found.lifecycle_stage === 'active') return found.experiment_id;
  throw new SlipwayError({
    code: 'E_TRACKING_DELETED',
    where: name,
    message: `this experiment was deleted in MLflow (id ${found.experiment_id}), and its name is still taken`,
    fix: `Restore it: mlflow experiments restore --experiment-id ${found.experiment_id}`,
  });
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
