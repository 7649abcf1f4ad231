import { CancellationScope, condition, isCancellation, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import type { ApproveFlow } from '../plan/graph.js';
import type { ApprovalOutput } from '../plan/outputs.js';
import { calls } from './call.js';
import type { ParkedApproval } from './carried.js';
import type { Received } from './decisions.js';
import type { RunContext } from './run-context.js';
import { attributes } from './search-attributes.js';

/** How a wait is told and decided. */
export interface Question extends ApproveFlow {
  /** One line for people while the stage waits. */
  note: (waiting: ParkedApproval) => string;
  /** False: a decision that came before any stage waited, and names none, is not for it. */
  early?: false;
}

/**
 * Waits at a stage for people. The deadline is an absolute time; decisions that came early are used. `then` makes of the
 * answer what the caller wants, here and not behind another promise, of which a run that waits shall hold few.
 */
export async function approval<T>(
  stage: string,
  question: Question,
  run: RunContext,
  then: (output: ApprovalOutput, yes: boolean) => T,
): Promise<T> {
  const { parked, decisions } = run.state;
  const waiting = parked.get(stage) ?? begin(stage, question, run);
  decisions.open(stage);
  const output = await decide(stage, question, waiting, run).finally(() => {
    decisions.shut(stage);
    parked.delete(stage);
  });
  upsertSearchAttributes([{ key: attributes.AwaitingApproval, value: parked.size > 0 }]);
  const who = output.by ?? 'nobody';
  const yes = output.decision === 'approve' || (output.decision === 'timeout' && question.onTimeout === 'approve');
  const said = `${output.decision} by ${who} (unverified)`;
  run.tell(yes ? 'approved' : 'rejected', stage, said, { reason: output.reason });
  return then(output, yes);
}

/** The first time, not when a run that waits continues as new: people have been told. */
function begin(stage: string, { note, ...flow }: Question, run: RunContext): ParkedApproval {
  const waiting: ParkedApproval = { deadline: Date.now() + flow.withinMs, approvers: [] };
  run.state.parked.set(stage, waiting);
  run.state.mark(stage, 'waiting-approval', { note: note(waiting) });
  upsertSearchAttributes([
    { key: attributes.AwaitingApproval, value: true },
    { key: attributes.Stage, value: stage },
  ]);
  run.tell('waiting-approval', stage, `${run.state.workflowId} waits for approval at ${stage}`, {
    by: flow.by,
    quorum: flow.quorum,
    until: new Date(waiting.deadline).toISOString(),
  });
  return waiting;
}

async function decide(
  stage: string,
  { note, quorum, early }: Question,
  waiting: ParkedApproval,
  run: RunContext,
): Promise<ApprovalOutput> {
  const { decisions } = run.state;
  const deadline = timer(Math.max(1, waiting.deadline - Date.now()));
  try {
    for (;;) {
      await condition(() => deadline.over || decisions.next(stage, early) !== undefined);
      const received = decisions.next(stage, early);
      if (received?.decision == null) return silence();
      const verified = await judged(received, waiting.approvers, run);
      if (verified === undefined) continue;
      const { decision, by } = received.decision;
      if (decision === 'approve') waiting.approvers.push(by);
      if (decision === 'reject' || waiting.approvers.length >= quorum)
        return outputOf(received, waiting.approvers, verified);
      run.state.mark(stage, 'waiting-approval', { note: note(waiting) });
    }
  } finally {
    deadline.cancel();
  }
}

/** One timer for the whole wait, however many decisions come and are refused. */
function timer(ms: number): { readonly over: boolean; cancel(): void } {
  const scope = new CancellationScope({ cancellable: true });
  let over = false;
  scope
    .run(() => sleep(ms))
    .then(() => (over = true))
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  return {
    get over() {
      return over;
    },
    cancel: () => scope.cancel(),
  };
}

function silence(): ApprovalOutput {
  const at = new Date().toISOString();
  return { decision: 'timeout', by: null, at, reason: null, channel: 'timer', verified: false };
}

/** May this one decide? `undefined`: refused, with the reason on record. */
async function judged(received: Received, approvers: readonly string[], run: RunContext): Promise<boolean | undefined> {
  const { decision } = received;
  if (decision === null) return undefined;
  if (decision.decision === 'approve' && approvers.includes(decision.by))
    return refuse(received, 'has approved already');
  const judgement = await calls.judgeDecision({ environment: run.state.environment, decision });
  if (!judgement.accepted) return refuse(received, judgement.why ?? 'refused');
  received.status = 'used';
  return judgement.verified;
}

function refuse(received: Received, why: string): undefined {
  Object.assign(received, { status: 'ignored', why });
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
