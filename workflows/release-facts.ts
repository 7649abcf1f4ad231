import type { ApprovalOutput, GateOutput, Metrics, ScoresOutput, StageOutput, VersionOutput } from '../plan/outputs.js';
import type { RunContext } from './run-context.js';

/** What let a version in: what its promotion record will say. */
export interface ReleaseFacts {
  gates: GateOutput[];
  approvals: ApprovalOutput[];
  scores: Metrics | null;
  /** Promotion record that a gate compared with (null: none existed); undefined: no gate compared. */
  baseline: number | null | undefined;
}

export function releaseFacts(service: string, version: VersionOutput, run: RunContext): ReleaseFacts {
  const judged = gateAgainst(service, run);
  return {
    gates: run.state.outputsOf(isGate),
    approvals: run.state.outputsOf(isApproval),
    scores: run.state.outputsOf(isScores).find((s) => s.model === version.model.digest)?.metrics ?? null,
    baseline: judged === undefined ? undefined : (judged.champion?.sequence ?? null),
  };
}

/** The gate that compared with the champion of this service, if one did. */
function gateAgainst(service: string, run: RunContext): GateOutput | undefined {
  const stage = run.state.graph?.stages.find((s) => s.gate?.champion === service && run.state.outputs.has(s.id));
  const output = stage === undefined ? undefined : run.state.outputs.get(stage.id);
  return output !== undefined && isGate(output) ? output : undefined;
}

export function isGate(output: StageOutput): output is GateOutput {
  return 'rules' in output;
}

export function isApproval(output: StageOutput): output is ApprovalOutput {
  return 'decision' in output && 'channel' in output;
}

export function isScores(output: StageOutput): output is ScoresOutput {
  return 'kind' in output && output.kind === 'scores';
}
