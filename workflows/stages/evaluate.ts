import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { evaluateModel } from '../left-jobs.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

export async function evaluate(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { output, cached, told } = taken(
    await attemptsOf(stage, run, (attempt) => evaluateModel(run.call(stage, attempt), stage)),
  );
  run.state.paid(stage.id, told);
  const numbers = Object.entries(output.metrics).filter((e): e is [string, number] => typeof e[1] === 'number');
  const note = numbers
    .map(([k, v]) => `${k} ${Number(v.toPrecision(4))}`)
    .slice(0, 4)
    .join(', ');
  return { output, cached, note };
}
