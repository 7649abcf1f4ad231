import type { GraphStage } from '../../plan/graph.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

export async function snapshot(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const output = await calls.snapshotData(run.call(stage), stage.limits.timeoutMs);
  return { output, note: `${output.rows} rows, ${output.digest.slice(0, 12)}` };
}
