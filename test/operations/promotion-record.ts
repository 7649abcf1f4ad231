import type { RolloutPromotion, VersionOutput } from '../../plan/outputs.js';

/** The record of a rollout in `dev` in which only what a test is about matters. */
export function promotionOf(
  facts: Pick<RolloutPromotion, 'service' | 'sequence'> & Partial<RolloutPromotion>,
): RolloutPromotion {
  return {
    kind: 'rollout',
    format: 1,
    environment: 'dev',
    predecessor: facts.sequence === 1 ? null : facts.sequence - 1,
    version: { name: facts.service, version: '1', package: { sha256: 'a'.repeat(64) } } as VersionOutput,
    run: { workflowId: 'dev:a:1', runId: 'r', pipeline: 'a', plan: 'p' },
    approvals: [],
    evidence: { gates: [], steps: [], scores: null },
    at: '2026-01-01T00:00:00.000Z',
    ...facts,
  };
}
