import { canonicalJson } from '../../plan/json.js';
import type { GraphStage } from '../../plan/graph.js';
import { refusal } from '../failure-facts.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

/** Routes on a value that is at hand: it equals `is`, or not. */
export async function when(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { inputs, stored } = run.state.inputs(stage.bindings);
  if (stored['/on'] !== undefined)
    throw refusal(
      'E_INPUT',
      'Input',
      'the value to route on is inside a task result that is too large to travel; return it from a task of its own',
    );
  const on = canonicalJson(inputs['/on']);
  const taken = on === canonicalJson(stage.when?.is);
  return { output: { kind: 'route', taken }, note: `${taken ? 'then' : 'otherwise'}: ${on.slice(0, 60)}` };
}
