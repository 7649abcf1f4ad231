import type { GraphStage } from '../plan/graph.js';
import { attempts } from './attempts.js';
import { withinBudget } from './budget.js';
import { failedAttempt, failureFacts } from './failure-facts.js';
import type { RunContext } from './run-context.js';

/** The attempts of a stage of the run; people see which one is under way. What those cost that others follow is spent. */
export function attemptsOf<T>(stage: GraphStage, run: RunContext, once: (attempt: number) => Promise<T>): Promise<T> {
  const { state } = run;
  const began = (attempt: number) => {
    if (!state.parked.has(stage.id)) state.mark(stage.id, 'running', { attempt });
  };
  const failed = (error: unknown) => {
    state.spend(stage.id, failureFacts(error).cost);
    state.attempted(stage.id, failedAttempt(error), { last: false });
  };
  const tried = stage.budget === undefined ? once : withinBudget(stage, run, once);
  // One that waits for approval went over from the run before this one.
  const first = state.parked.has(stage.id) ? state.view(stage.id).attempt : 1;
  return attempts(stage.limits, tried, { began, failed }, first);
}
