import type { GraphStage } from '../plan/graph.js';
import { budgetCode } from '../plan/failures.js';
import { approval, type Question } from './approval.js';
import type { ParkedApproval } from './carried.js';
import { failureCode, failureReason } from './failure-facts.js';
import type { RunContext } from './run-context.js';

/** A person, or nobody in time, said no to an attempt over the budget: the run ends as rejected, not as failed. */
export class OverBudget extends Error {}

/** Lets each attempt begin as it would; one that is refused because a budget is used up begins once people agree. */
export function withinBudget<T>(
  { id, budget }: GraphStage,
  run: RunContext,
  once: (attempt: number) => Promise<T>,
): (attempt: number) => Promise<T> {
  const { state } = run;
  return async (attempt) => {
    let why = state.view(id).note ?? '';
    // One that waits already was refused in the run before this one.
    if (!state.parked.has(id)) {
      try {
        return await once(attempt);
      } catch (error) {
        if (failureCode(error) !== budgetCode) throw error;
        why = failureReason(error);
      }
    }
    const who = await agreed(id, budget?.withinMs ?? 0, why, run);
    state.overBudget.add(`${id}/${attempt}`);
    state.mark(id, 'running', { note: `over budget, approved by ${who}, unverified` });
    return await once(attempt);
  };
}

/** Who agrees. Throws when somebody does not, or nobody does in time. */
function agreed(stage: string, withinMs: number, why: string, run: RunContext): Promise<string> {
  const note = ({ deadline }: ParkedApproval) => `${why} Until ${new Date(deadline).toISOString()}, then reject.`;
  const question: Question = { by: [], quorum: 1, withinMs, onTimeout: 'reject', note, early: false };
  return approval(stage, question, run, (output, yes) => {
    const who = output.by ?? 'nobody';
    if (yes) return who;
    const reason = output.reason === null ? '' : `: ${output.reason}`;
    throw new OverBudget(`over budget, ${output.decision} by ${who}${reason}. ${why}`);
  });
}
