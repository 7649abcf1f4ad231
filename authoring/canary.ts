import { z } from 'zod';
import type { Duration } from '../plan/duration.js';
import { durationMs } from '../plan/duration.js';
import type { CanarySettings } from '../plan/plan.js';
import { duration, show } from './shapes.js';

export interface CanaryStep {
  /** Percent of users that the new version gets: whole, 1 to 99. 100 follows by itself. */
  weight: number;
  /** The least time that the step is held; it is held longer while samples are too few. */
  hold: Duration;
}
export interface CanaryOptions {
  /** Increasing weights. */
  steps: readonly CanaryStep[];
  /** How long 100 % is watched before the promotion is recorded. */
  bake: Duration;
}
/** A rollout strategy: a growing share of users, each user sticky to one version. */
export interface Canary extends CanaryOptions {
  readonly kind: 'canary';
}

const maxSteps = 20;

/** A canary: `canary({ steps: [{ weight: 10, hold: '15m' }, { weight: 50, hold: '1h' }], bake: '1h' })`. */
export function canary(options: CanaryOptions): Canary {
  return { kind: 'canary', ...options };
}

/** Shape of a strategy; weights are judged by `canaryProblems`. */
export const canaryShape = z.strictObject({
  kind: z.literal('canary', 'expects what `canary({ steps, bake })` returns'),
  steps: z.array(z.strictObject({ weight: z.any(), hold: duration })),
  bake: duration,
});

/** What is wrong with the weights, with pointers below the strategy. */
export function canaryProblems(strategy: Canary): { at: string; message: string; fix?: string }[] {
  const { steps } = strategy;
  if (steps.length === 0)
    return [{ at: '/steps', message: 'no step', fix: "add at least one, such as { weight: 10, hold: '15m' }" }];
  if (steps.length > maxSteps)
    return [{ at: '/steps', message: `${steps.length} steps; at most ${maxSteps} are allowed` }];
  return steps.flatMap(({ weight }, i) => {
    const at = `/steps/${i}/weight`;
    if (!Number.isInteger(weight) || weight < 1 || weight > 99)
      return [
        {
          at,
          message: `${show(weight)} is not a whole number of percent from 1 to 99`,
          fix: '100 % follows by itself after the last step',
        },
      ];
    const before = steps[i - 1]?.weight ?? 0;
    return weight > before ? [] : [{ at, message: `${weight} after ${before}: weights must increase` }];
  });
}

/** The strategy as the plan keeps it. */
export function canarySettings(strategy: Canary): CanarySettings {
  return {
    kind: 'canary',
    steps: strategy.steps.map(({ weight, hold }) => ({ weight, holdMs: durationMs(hold) })),
    bakeMs: durationMs(strategy.bake),
  };
}
