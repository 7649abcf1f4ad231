import type { GraphStage } from '../plan/graph.js';
import { attempts } from './attempts.js';
import type { RunContext } from './run-context.js';

/** The attempts of a stage of the run; people see which one is under way. */
export function attemptsOf<T>(stage: GraphStage, run: RunContext, once: (attempt: number) => Promise<T>): Promise<T> {
  return attempts(stage.limits, once, (attempt) => {
    run.state.mark(stage.id, 'running', { attempt });
    run.show();
  });
}
