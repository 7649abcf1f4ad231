import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { snapshotData } from '../left-jobs.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

export async function snapshot(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { output, cached, told } = taken(
    await attemptsOf(stage, run, (attempt) => snapshotData(run.call(stage, attempt), stage)),
  );
  run.state.paid(stage.id, told);
  return { output, cached, note: `${output.rows} rows, ${output.digest.slice(0, 12)}` };
}
