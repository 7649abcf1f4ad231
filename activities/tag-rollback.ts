import type { RolloutStepOutput, VersionOutput } from '../plan/outputs.js';
import type { ActivityContext } from './context.js';

export interface TagRollbackInput {
  environment: string;
  version: VersionOutput;
  outcome: 'rolled_back' | 'rejected';
  reason: string;
  steps: RolloutStepOutput[];
}

const tagLimit = 4_500;

/** Writes on the candidate how its rollout ended and on what evidence. */
export async function tagRollback(context: ActivityContext, input: TagRollbackInput): Promise<void> {
  const { ports } = await context.environment(input.environment);
  const evidence = JSON.stringify(
    input.steps.at(-1)?.report?.rows.map((r) => ({
      rule: r.name,
      verdict: r.verdict,
      reason: r.reason,
      candidate: r.candidate,
      champion: r.champion,
    })) ?? [],
  );
  await ports.registry.tag(input.version.name, input.version.version, {
    'slipway.outcome': input.outcome,
    [input.outcome]: 'true',
    'slipway.reason': input.reason.slice(0, tagLimit),
    'slipway.evidence': evidence.slice(0, tagLimit),
  });
}
