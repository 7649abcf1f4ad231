import { log } from '@temporalio/activity';
import type { RunRecord, Series } from '../plan/messages.js';
import { keys } from '../plan/names.js';
import type { RolloutOutput } from '../plan/outputs.js';
import type { ActivityContext, ActivityPorts } from './context.js';
import { rolloutSeries } from './series.js';

export type RunRecordFacts = Omit<RunRecord, 'series' | 'endedAt' | 'format'>;

/** Writes the record of a run that has ended: what reports, audits and `--if-changed` read. Answers its URI. */
export async function recordRun(context: ActivityContext, facts: RunRecordFacts): Promise<string> {
  const { ports } = await context.environment(facts.environment);
  const record: RunRecord = {
    format: 1,
    ...facts,
    endedAt: new Date().toISOString(),
    series: await series(ports, facts),
  };
  const key = keys.runRecord(facts.environment, facts.pipeline, facts.runId);
  const bytes = new TextEncoder().encode(JSON.stringify(record));
  // A run is recorded once; only one that was recorded and then lost its answer finds something there.
  if (!(await ports.store.replace(key, bytes, undefined))) {
    const known = await ports.store.read(key);
    await ports.store.replace(key, bytes, known?.etag);
  }
  return ports.store.uri(key);
}

/** Plots are a courtesy: without the metrics store the record is written without them. */
async function series(ports: ActivityPorts, facts: RunRecordFacts): Promise<Series[]> {
  const rollouts = facts.stages
    .filter((s) => s.verb === 'rollout' && s.output !== null)
    .map((s) => s.output as RolloutOutput);
  try {
    return (await Promise.all(rollouts.map((r) => rolloutSeries(ports.metrics, ports.router, r)))).flat();
  } catch (error) {
    log.warn('the run record has no plots', { reason: String(error) });
    return [];
  }
}
