import { condition, upsertSearchAttributes } from '@temporalio/workflow';
import type { ApproveFlow, GraphStage } from '../../plan/graph.js';
import type { ApprovalOutput, StageOutput } from '../../plan/outputs.js';
import { calls } from '../call.js';
import type { Received } from '../decisions.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { attributes } from '../search-attributes.js';

/** Waits for people. The deadline is an absolute time; decisions that came early are used. */
export async function approve(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const flow = stage.approve;
  if (flow === undefined) throw new Error(`stage ${stage.id} has no approval settings`);
  const deadline = Date.now() + flow.withinMs;
  run.state.mark(stage.id, 'waiting-approval', { note: waitingNote(flow, [], deadline) });
  upsertSearchAttributes([
    { key: attributes.AwaitingApproval, value: true },
    { key: attributes.Stage, value: stage.id },
  ]);
  run.tell('waiting-approval', stage.id, `${run.state.workflowId} waits for approval at ${stage.id}`, {
    by: flow.by,
    quorum: flow.quorum,
    until: new Date(deadline).toISOString(),
  });
  run.show();
  run.state.decisions.open(stage.id);
  const output = await decide(stage, flow, deadline, run).finally(() => run.state.decisions.shut(stage.id));
  const others = run.state.stages().some((s) => s.id !== stage.id && s.status === 'waiting-approval');
  upsertSearchAttributes([{ key: attributes.AwaitingApproval, value: others }]);
  const who = output.by ?? 'nobody';
  const yes = output.decision === 'approve' || (output.decision === 'timeout' && flow.onTimeout === 'approve');
  const said = `${output.decision} by ${who} (unverified)`;
  run.tell(yes ? 'approved' : 'rejected', stage.id, said, { reason: output.reason });
  const note = `${output.decision} by ${who}, unverified`;
  if (yes) return { output, verdict: 'pass', note };
  const reason =
    output.decision === 'timeout'
      ? `nobody decided at ${stage.id} in time`
      : `rejected at ${stage.id} by ${who}${output.reason === null ? '' : `: ${output.reason}`}`;
  return { output, verdict: 'fail', note, stop: { outcome: 'rejected', reason } };
}

async function decide(
  stage: GraphStage,
  flow: ApproveFlow,
  deadline: number,
  run: RunContext,
): Promise<ApprovalOutput> {
  const approvers: string[] = [];
  for (;;) {
    const inTime = await condition(
      () => run.state.decisions.next(stage.id) !== undefined,
      Math.max(1, deadline - Date.now()),
    );
    const received = run.state.decisions.next(stage.id);
    if (!inTime || received?.decision == null)
      return {
        decision: 'timeout',
        by: null,
        at: new Date().toISOString(),
        reason: null,
        channel: 'timer',
        verified: false,
      };
    const verified = await judged(received, approvers, run);
    if (verified === undefined) continue;
    if (received.decision.decision === 'approve') approvers.push(received.decision.by);
    if (received.decision.decision === 'reject' || approvers.length >= flow.quorum)
      return outputOf(received, approvers, verified);
    run.state.mark(stage.id, 'waiting-approval', { note: waitingNote(flow, approvers, deadline) });
    run.show();
  }
}

/** May this one decide? `undefined`: refused, with the reason on record. */
async function judged(received: Received, approvers: readonly string[], run: RunContext): Promise<boolean | undefined> {
  const { decision } = received;
  if (decision === null) return undefined;
  if (decision.decision === 'approve' && approvers.includes(decision.by))
    return refuse(received, 'has approved already', run);
  const judgement = await calls.judgeDecision({ environment: run.state.environment, decision });
  if (!judgement.accepted) return refuse(received, judgement.why ?? 'refused', run);
  received.status = 'used';
  return judgement.verified;
}

function refuse(received: Received, why: string, run: RunContext): undefined {
  Object.assign(received, { status: 'ignored', why });
  run.show();
}

function outputOf(received: Received, approvers: readonly string[], verified: boolean): ApprovalOutput {
  const { decision } = received;
  const by = decision?.decision === 'approve' ? approvers.join(', ') : (decision?.by ?? null);
  return {
    decision: decision?.decision ?? 'reject',
    by,
    at: received.at,
    reason: decision?.reason ?? null,
    channel: received.channel,
    verified,
  };
}

function waitingNote(flow: ApproveFlow, approvers: readonly string[], deadline: number): string {
  return `${approvers.length}/${flow.quorum} of ${flow.by.join(', ')}, until ${new Date(deadline).toISOString()}, then ${flow.onTimeout}`;
}

export function isApproval(output: StageOutput): output is ApprovalOutput {
  return 'decision' in output && 'channel' in output;
}
