import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

export async function train(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { output, cached, cost } = taken(
    await attemptsOf(stage, run, (attempt) => calls.trainModel(run.call(stage, attempt), stage)),
  );
  run.state.spend(stage.id, cost);
  return { output, cached, note: `model ${output.digest.slice(0, 12)}` };
}
