import type { GraphStage } from '../../plan/graph.js';
import { attempts } from '../attempts.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

export async function train(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const output = await attempts(stage, run, (attempt) =>
    calls.trainModel(run.call(stage, attempt), stage.limits.timeoutMs),
  );
  return { output, note: `model ${output.digest.slice(0, 12)}` };
}
