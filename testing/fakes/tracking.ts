import { flatMetrics, progressPoints } from '../../adapters/tracking/mlflow/log-facts.js';
import type { Tracking } from '../../adapters/tracking/port.js';

export interface FakeRun {
  experiment: string;
  key: string;
  params: Record<string, string>;
  metrics: Record<string, number>;
  tags: Record<string, string>;
  /** Points of a training under way, in the order in which they came. */
  steps: { key: string; value: number; step: number }[];
  status: 'running' | 'finished' | 'failed' | 'killed';
}
export interface FakeTracking extends Tracking {
  /** Every run, by its id. */
  runs: Map<string, FakeRun>;
}

/** A tracking system in memory. */
export function fakeTracking(): FakeTracking {
  const runs = new Map<string, FakeRun>();
  const known = (runId: string): FakeRun => {
    const run = runs.get(runId);
    if (run === undefined) throw new Error(`there is no run ${runId}`);
    return run;
  };
  const log: Tracking['log'] = async (runId, { params = {}, metrics = {}, tags = {} }) => {
    const run = known(runId);
    for (const [name, value] of Object.entries(params)) {
      run.params[name] ??= (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 500);
    }
    Object.assign(run.metrics, flatMetrics(metrics));
    Object.assign(run.tags, tags);
  };
  return {
    runs,
    async open(experiment, key, tags) {
      const runId = `${experiment}-${key.slice(0, 12)}`;
      if (!runs.has(runId))
        runs.set(runId, { experiment, key, params: {}, metrics: {}, tags, steps: [], status: 'running' });
      return { runId, url: `http://127.0.0.1/runs/${runId}`, environment: { TRACKING_RUN_ID: runId } };
    },
    log,
    async progress(runId, numbers) {
      known(runId).steps.push(...progressPoints(numbers));
    },
    async close(runId, status, facts = {}) {
      await log(runId, facts);
      known(runId).status = status;
    },
  };
}
