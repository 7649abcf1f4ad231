import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

/** The author's own function, as one activity. */
export function task(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const answer = attemptsOf(stage, run, (attempt) => calls.runTask(run.call(stage, attempt), stage));
  return answer.then((given) => {
    const { output, cached, told } = taken(given);
    run.state.paid(stage.id, told);
    return { output, cached, ...('stored' in output ? { note: `${output.stored.bytes} bytes, stored` } : {}) };
  });
}
