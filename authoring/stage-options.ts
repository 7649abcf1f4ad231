import { z } from 'zod';
import { durationMs, formatDuration } from '../plan/duration.js';
import type { Duration } from '../plan/duration.js';
import { retryDefaults } from '../plan/stage-defaults.js';
import type { StageDraft } from './recorder.js';
import type { StageRef } from './references.js';
import { after, count, duration, finite, kebab } from './shapes.js';

/** Stages that must be done before: references, or ids (later ones included). */
export type After = StageRef | string | readonly (StageRef | string)[];

/** What the failure of a stage means for the run. */
export type FailurePolicy = 'fail' | 'continue' | 'compensate';

/** What every stage may be given. */
export interface StageOptions {
  /** Stages that must be done before, beyond those that data comes from. */
  after?: After;
  /** Time limit of one attempt. The default depends on the verb. */
  timeout?: Duration;
  /**
   * What its failure means. `fail` (default): the run fails. `continue`: the run goes on, and stages that need its data are
   * skipped. `compensate`: tasks that are done undo their work, newest first; then the run fails.
   */
  onFailure?: FailurePolicy;
}

/** Pause before a further attempt: `wait`, then each time `backoff` times as long, at most `upTo`. */
export interface Retry {
  wait: Duration;
  /** 1 to 10. Default 2. */
  backoff?: number;
  /** Default `'1h'`, or `wait` when that is longer. */
  upTo?: Duration;
}

/** How work is tried, whether it stands alone or inside an `each`. */
export interface AttemptOptions {
  /** Time limit of one attempt. The default depends on the verb. */
  timeout?: Duration;
  /** How often the work may be started, 1 to 10. Default 1. */
  attempts?: number;
  /** Pause between attempts; needs `attempts` above 1. Default: `{ wait: '1s' }`. */
  retry?: Retry;
  /** Pool of workers that does the work, as the environment names it. Default: the workers of all jobs. */
  pool?: string;
}
/** What work with a result that follows from its inputs may be given. */
export interface CacheOptions {
  /** Whether an earlier result of the same code, settings and inputs may stand in. Default: true for validate, train and evaluate, false for task. */
  cache?: boolean;
}
/** What stages may be given whose jobs cost something. */
export interface BudgetOptions {
  /**
   * What the stage's jobs may cost in a run, in the currency of the environment's `prices`. An attempt that would begin with
   * it used up waits for approval. Default: as much as they do.
   */
  budget?: number;
}
/** What stages that start jobs may be given. */
export interface JobStageOptions extends StageOptions, AttemptOptions {}

export const stageShape = {
  after: after.optional(),
  timeout: duration.optional(),
  onFailure: z.enum(['fail', 'continue', 'compensate']).optional(),
};
export const attemptShape = {
  timeout: duration.optional(),
  attempts: count(1, 10).optional(),
  retry: z.strictObject({ wait: duration, backoff: finite(1, 10).optional(), upTo: duration.optional() }).optional(),
  pool: kebab.optional(),
};
export const cacheShape = { cache: z.boolean().optional() };
/** An amount of money. */
export const budget = finite(0, 1e12, true);
export const budgetShape = { budget: budget.optional() };

/** Puts the options that every verb shares into a draft. They fit their shapes already. */
export function applyStageOptions(draft: StageDraft, options: JobStageOptions & CacheOptions & BudgetOptions): void {
  const { timeout, attempts, retry, pool, cache, onFailure } = options;
  if (timeout !== undefined) draft.limits.timeoutMs = durationMs(timeout);
  if (attempts !== undefined) draft.limits.attempts = attempts;
  if (retry !== undefined) applyRetry(draft, retry);
  if (pool !== undefined) draft.pool = pool;
  if (cache !== undefined) draft.cache = cache;
  if (options.budget !== undefined) applyBudget(draft, options.budget);
  if (onFailure !== undefined && onFailure !== 'fail') draft.onFailure = onFailure;
  draft.order(options.after);
}

function applyBudget(draft: StageDraft, amount: number): void {
  if (draft.isItem)
    draft.fault(
      'E_EACH',
      '/budget',
      'one element cannot have a budget',
      'give one to the pipeline: `budget` of definePipeline',
    );
  draft.budget = amount;
}

function applyRetry(draft: StageDraft, { wait, backoff, upTo }: Retry): void {
  const waitMs = durationMs(wait);
  const maxMs = upTo === undefined ? Math.max(waitMs, durationMs(retryDefaults.upTo)) : durationMs(upTo);
  if (draft.limits.attempts === 1)
    draft.fault('E_NUMBER', '/retry', 'a pause before a second attempt, but there is only one', 'add `attempts: 2`');
  if (maxMs < waitMs)
    draft.fault(
      'E_DURATION',
      '/retry/upTo',
      `${formatDuration(maxMs)} is shorter than \`wait\`, ${formatDuration(waitMs)}`,
    );
  draft.limits.retry = { waitMs, backoff: backoff ?? retryDefaults.backoff, maxMs };
}
