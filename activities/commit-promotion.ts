import type {
  ApprovalOutput,
  GateOutput,
  Metrics,
  PromotionRecord,
  RolloutStepOutput,
  VersionOutput,
} from '../plan/outputs.js';
import { keys } from '../plan/names.js';
import { isOwnPromotion, promotion } from '../plan/promotions.js';
import type { RunRef } from './calls.js';
import type { ActivityContext } from './context.js';

interface CommitFacts {
  run: RunRef;
  service: string;
  version: VersionOutput;
  predecessor: number | null;
  approvals: ApprovalOutput[];
  gates: GateOutput[];
  scores: Metrics | null;
}
export type CommitInput = CommitFacts & ({ kind: 'rollout'; steps: RolloutStepOutput[] } | { kind: 'promote' });
export type CommitResult = { committed: true; sequence: number } | { committed: false; reason: string };

/**
 * The commit point: writes the next promotion record, create-only. Before it every failure rolls back, after it
 * every failure rolls forward. Whoever lost the race learns who won.
 */
export async function commitPromotion(context: ActivityContext, input: CommitInput): Promise<CommitResult> {
  const { ports } = await context.environment(input.run.environment);
  const sequence = (input.predecessor ?? 0) + 1;
  const key = keys.promotion(input.run.environment, input.service, sequence);
  const { gates, scores } = input;
  const facts = {
    format: 1 as const,
    environment: input.run.environment,
    service: input.service,
    sequence,
    predecessor: input.predecessor,
    version: input.version,
    run: {
      workflowId: input.run.workflowId,
      runId: input.run.runId,
      pipeline: input.run.pipeline,
      plan: input.run.plan,
    },
    approvals: input.approvals,
    at: new Date().toISOString(),
  };
  const record: PromotionRecord =
    input.kind === 'rollout'
      ? { ...facts, kind: input.kind, evidence: { gates, steps: input.steps, scores } }
      : { ...facts, kind: input.kind, evidence: { gates, scores } };
  if (await ports.store.replace(key, new TextEncoder().encode(JSON.stringify(record)), undefined))
    return { committed: true, sequence };
  // Whose it is must be known: this run may have written it, and then nothing may be rolled back.
  const written = await promotion(ports.store, input.run.environment, input.service, sequence);
  if (isOwnPromotion(written, input)) return { committed: true, sequence };
  const reason = `stale baseline: ${written.run.workflowId} was promoted first (record ${sequence})`;
  return { committed: false, reason };
}
