import type { GraphStage } from '../../plan/graph.js';
import { attemptsOf } from '../attempts-of.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

export async function validate(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { output, cached } = taken(
    await attemptsOf(stage, run, (attempt) => calls.validateData(run.call(stage, attempt), stage)),
  );
  const { verdict } = output;
  const found = output.findings.map((f) => f.message).join('; ');
  const note = `${output.checked} rows, ${output.findings.length} findings`;
  if (verdict === 'pass') return { output, cached, verdict, note };
  return {
    output,
    cached,
    verdict,
    note,
    stop: { outcome: 'rejected', reason: `data refused at ${stage.id}: ${found}` },
  };
}
