import { z } from 'zod';

import { openMlflowApi } from '../../mlflow-api/client.js';
import type { OpenContext } from '../../open-context.js';
import type { Tracking } from '../port.js';
import { logFacts, logProgress } from './log-facts.js';
import type { MlflowTrackingOptions } from './options.js';
import { knownExperiments } from './experiments.js';
import { getRun, runOfKey } from './runs.js';

const statuses = { finished: 'FINISHED', failed: 'FAILED', killed: 'KILLED' } as const;

/**
 * Opens MLflow's tracking. Nothing is sent before the first call.
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later.
 */
export function openMlflowTracking(options: MlflowTrackingOptions, context: OpenContext): Tracking {
  const api = openMlflowApi(options, context);
  const experiments = knownExperiments(api);
  return {
    async open(experiment, key, tags, { first = false, signal } = {}) {
      const { info } = await experiments.within(experiment, signal, (id) =>
        runOfKey(api, id, { key, tags, first }, signal),
      );
      return {
        runId: info.run_id,
        url: `${api.ui}/#/experiments/${encodeURIComponent(info.experiment_id)}/runs/${encodeURIComponent(info.run_id)}`,
        environment: { MLFLOW_TRACKING_URI: options.uri, MLFLOW_RUN_ID: info.run_id },
      };
    },
    log: async (runId, facts, signal) => await logFacts(api, await getRun(api, runId, signal), facts, signal),
    progress: (runId, numbers, signal) => logProgress(api, runId, numbers, signal),
    async close(runId, status, facts = {}, { first = false, signal } = {}) {
      const body = { run_id: runId, status: statuses[status], end_time: Date.now() };
      const nothing = Object.values(facts).every((some) => Object.keys(some).length === 0);
      const known = first && nothing ? undefined : await getRun(api, runId, signal);
      if (known !== undefined) await logFacts(api, known, facts, signal);
      // A second close must not move the time at which the run ended.
      if (known?.info.status !== statuses[status]) await api.call('POST', 'runs/update', body, z.object({}), signal);
    },
  };
}
