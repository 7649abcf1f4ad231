import type { GraphStage } from '../../plan/graph.js';
import { attempts } from '../attempts.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

export async function evaluate(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const output = await attempts(stage, run, (attempt) =>
    calls.evaluateModel({ ...run.call(stage, attempt), champion: null }, stage.limits.timeoutMs),
  );
  const numbers = Object.entries(output.metrics).filter((e): e is [string, number] => typeof e[1] === 'number');
  return {
    output,
    note: numbers
      .map(([k, v]) => `${k} ${Number(v.toPrecision(4))}`)
      .slice(0, 4)
      .join(', '),
  };
}
