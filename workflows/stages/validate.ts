import type { GraphStage } from '../../plan/graph.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

export async function validate(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const output = await calls.validateData(run.call(stage), stage.limits.timeoutMs);
  const found = output.findings.map((f) => f.message).join('; ');
  const note = `${output.checked} rows, ${output.findings.length} findings`;
  if (output.verdict === 'pass') return { output, verdict: 'pass', note };
  return {
    output,
    verdict: output.verdict,
    note,
    stop: { outcome: 'rejected', reason: `data refused at ${stage.id}: ${found}` },
  };
}
