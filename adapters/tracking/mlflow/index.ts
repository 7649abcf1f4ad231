import { z } from 'zod';

import { openMlflowApi } from '../../mlflow-api/client.js';
import type { OpenContext } from '../../open-context.js';
import type { Tracking } from '../port.js';
import { logFacts, logProgress } from './log-facts.js';
import type { MlflowTrackingOptions } from './options.js';
import { experimentId, getRun, runOfKey } from './runs.js';

const statuses = { finished: 'FINISHED', failed: 'FAILED', killed: 'KILLED' } as const;

/**
 * Opens MLflow's tracking. Nothing is sent before the first call.
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later.
 */
export function openMlflowTracking(options: MlflowTrackingOptions, context: OpenContext): Tracking {
  const api = openMlflowApi(options, context);
  return {
    async open(experiment, key, tags, signal) {
      const { info } = await runOfKey(api, await experimentId(api, experiment, signal), key, tags, signal);
      return {
        runId: info.run_id,
        url: `${api.ui}/#/experiments/${encodeURIComponent(info.experiment_id)}/runs/${encodeURIComponent(info.run_id)}`,
        environment: { MLFLOW_TRACKING_URI: options.uri, MLFLOW_RUN_ID: info.run_id },
      };
    },
    log: (runId, facts, signal) => logFacts(api, runId, facts, signal),
    progress: (runId, numbers, signal) => logProgress(api, runId, numbers, signal),
    async close(runId, status, signal) {
      const { info } = await getRun(api, runId, signal);
      // A second close must not move the time at which the run ended.
      if (info.status === statuses[status]) return;
      await api.call(
        'POST',
        'runs/update',
        { run_id: runId, status: statuses[status], end_time: Date.now() },
        z.object({}),
        signal,
      );
    },
  };
}
