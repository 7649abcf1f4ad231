import { costOf, formatAmount, formatCost, priceOf, type Cost, type Price } from '../plan/cost.js';
import { SlipwayError } from '../plan/errors.js';
import { budgetCode } from '../plan/failures.js';
import { jobOf } from '../plan/stage-definition.js';
import type { Stage } from '../plan/plan.js';
import type { StageCall } from './calls.js';
import type { OpenStage } from './plan-cache.js';

/** The price of a stage's jobs in its environment; null where none is stated. */
export function priceOfStage({ stage, environment }: OpenStage<Stage>): Price | null {
  const trainer = jobOf(stage)?.trainer.adapter;
  if (trainer === undefined || environment.prices === undefined) return null;
  return priceOf(environment.prices, trainer, stage.pool);
}

/** As a member of what an activity answers or fails with: absent where there is no price. */
export function costFact(price: Price | null, ranMs: number): { cost?: Cost } {
  return price === null ? {} : { cost: costOf(price, ranMs) };
}

/**
 * Refuses to begin a job (`E_BUDGET`) when the budget of the stage or of the pipeline is used up. Judged by what the run says
 * it has spent, so that a job that has begun is never judged otherwise by another try.
 */
export function checkBudget({ stage, plan }: OpenStage<Stage>, { spent, stage: id, attempt }: StageCall): void {
  if (spent === undefined) return;
  const { currency } = spent;
  const over = [
    { of: `stage ${id}`, budget: stage.budget, amount: spent.stage },
    { of: `pipeline ${plan.pipeline}`, budget: plan.budget, amount: spent.run },
  ].find(({ budget, amount }) => budget !== undefined && amount >= budget);
  if (over?.budget === undefined) return;
  throw new SlipwayError({
    code: budgetCode,
    where: id,
    message: `the budget of ${over.of}, ${formatCost({ amount: over.budget, currency })}, is used up: ${formatAmount(over.amount)} ${currency} are spent; attempt ${attempt} waits for approval`,
    fix: 'approve it, or reject it to end the run',
  });
}
