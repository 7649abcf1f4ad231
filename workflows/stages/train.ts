import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { trainModel } from '../left-jobs.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

export async function train(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { output, cached, told } = taken(
    await attemptsOf(stage, run, (attempt) => trainModel(run.call(stage, attempt), stage)),
  );
  run.state.paid(stage.id, told);
  return { output, cached, note: `model ${output.digest.slice(0, 12)}` };
}
