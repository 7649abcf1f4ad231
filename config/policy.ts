import { z } from 'zod';
import type { Duration } from '../plan/duration.js';
import { durationMs, parseDuration } from '../plan/duration.js';
import type { Policy } from '../plan/policy.js';
import { defaultPolicy } from '../plan/policy.js';

const yearMs = 365 * 86_400_000;

/** A length of time in configuration: 1 ms to 365 days. */
const duration = z.custom<Duration>((value) => {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  return ms !== undefined && ms >= 1 && ms <= yearMs;
}, 'expected a duration such as `15s`, `10m`, `2h` or `3d`, from 1ms to 365d');

export const policySchema = z.strictObject({
  rollout: z
    .strictObject({
      /** Replaces the hold of every canary step. Default: the pipeline's own. */
      hold: duration.optional(),
      /** Replaces the bake. Default: the pipeline's own. */
      bake: duration.optional(),
      /** Replaces the minimum samples of every analysis rule. Default: the rule's own. */
      minSamples: z.int().min(1).max(1_000_000).optional(),
      /** How long after its hold a step may stay inconclusive. Default 1h. */
      maxWait: duration.optional(),
      /** What follows then. Default `pause`. */
      onInconclusive: z.enum(['pause', 'rollback']).optional(),
      /** The router goes home by itself when its lease was not renewed for so long. Default 1m. */
      leaseTtl: duration.optional(),
      /** How often the metrics are judged. Default 5s. */
      poll: duration.optional(),
    })
    .optional(),
  approval: z
    .strictObject({
      /** Replaces the time within which an approval must come. Default: the pipeline's own. */
      within: duration.optional(),
    })
    .optional(),
  registry: z
    .strictObject({
      /** How long a run waits for a registry that is down. Default 30m. */
      maxOutage: duration.optional(),
    })
    .optional(),
});

/** The policy in milliseconds, defaults filled in. */
export function toPolicy(config: z.infer<typeof policySchema> | undefined): Policy {
  const rollout = config?.rollout;
  return {
    rollout: {
      ...defaultPolicy.rollout,
      ...(rollout?.hold && { holdMs: durationMs(rollout.hold) }),
      ...(rollout?.bake && { bakeMs: durationMs(rollout.bake) }),
      ...(rollout?.minSamples && { minSamples: rollout.minSamples }),
      ...(rollout?.maxWait && { maxWaitMs: durationMs(rollout.maxWait) }),
      ...(rollout?.onInconclusive && { onInconclusive: rollout.onInconclusive }),
      ...(rollout?.leaseTtl && { leaseTtlMs: durationMs(rollout.leaseTtl) }),
      ...(rollout?.poll && { pollMs: durationMs(rollout.poll) }),
    },
    approval: {
      ...defaultPolicy.approval,
      ...(config?.approval?.within && { withinMs: durationMs(config.approval.within) }),
    },
    registry: {
      ...defaultPolicy.registry,
      ...(config?.registry?.maxOutage && { maxOutageMs: durationMs(config.registry.maxOutage) }),
    },
  };
}
