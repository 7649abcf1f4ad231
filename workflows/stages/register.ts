import type { GraphStage } from '../../plan/graph.js';
import type { ModelOutput } from '../../plan/outputs.js';
import { calls } from '../call.js';
import { isScores } from '../release-facts.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

export async function register(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const call = run.call(stage);
  const model = call.inputs['/model'] as unknown as ModelOutput | null;
  const scores = run.state.outputsOf(isScores).find((s) => s.model === model?.digest) ?? null;
  const output = await calls.registerModel({ ...call, scores }, stage, run.state.graph?.registryOutageMs ?? 0);
  return { output, note: `${output.name} version ${output.version} (${output.label})` };
}
