import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

/** The author's own function, as one activity. */
export async function task(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { output, cached } = taken(
    await attemptsOf(stage, run, (attempt) => calls.runTask(run.call(stage, attempt), stage)),
  );
  return { output, cached, ...('stored' in output ? { note: `${output.stored.bytes} bytes, stored` } : {}) };
}
