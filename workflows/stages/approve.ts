import type { ApproveFlow, GraphStage } from '../../plan/graph.js';
import type { ApprovalOutput } from '../../plan/outputs.js';
import { approval } from '../approval.js';
import type { ParkedApproval } from '../carried.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

/** Waits for people. */
export function approve(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const flow = stage.approve;
  if (flow === undefined) throw new Error(`stage ${stage.id} has no approval settings`);
  const question = { ...flow, note: (waiting: ParkedApproval) => waitingNote(flow, waiting) };
  return approval(stage.id, question, run, (output, yes) => resultOf(stage, output, yes));
}

function resultOf(stage: GraphStage, output: ApprovalOutput, yes: boolean): StageResult {
  const who = output.by ?? 'nobody';
  const note = `${output.decision} by ${who}, unverified`;
  if (yes) return { output, verdict: 'pass', note };
  const reason =
    output.decision === 'timeout'
      ? `nobody decided at ${stage.id} in time`
      : `rejected at ${stage.id} by ${who}${output.reason === null ? '' : `: ${output.reason}`}`;
  return { output, verdict: 'fail', note, stop: { outcome: 'rejected', reason } };
}

function waitingNote(flow: ApproveFlow, { approvers, deadline }: ParkedApproval): string {
  return `${approvers.length}/${flow.quorum} of ${flow.by.join(', ')}, until ${new Date(deadline).toISOString()}, then ${flow.onTimeout}`;
}
