/** What an environment may set over a pipeline's own times. Milliseconds; absent = the pipeline's own value, else the default. */
export interface Policy {
  rollout: {
    /** Replaces the hold of every canary step. */
    holdMs?: number;
    /** Replaces the bake. */
    bakeMs?: number;
    /** Replaces the minimum samples of every analysis rule. */
    minSamples?: number;
    maxWaitMs: number;
    onInconclusive: 'pause' | 'rollback';
    leaseTtlMs: number;
    pollMs: number;
  };
  approval: { withinMs?: number };
  registry: { maxOutageMs: number };
}

export const defaultPolicy: Policy = {
  rollout: { maxWaitMs: 3_600_000, onInconclusive: 'pause', leaseTtlMs: 60_000, pollMs: 5_000 },
  approval: {},
  registry: { maxOutageMs: 1_800_000 },
};
