import { ApplicationFailure } from '@temporalio/workflow';
import type { GraphStage } from '../../plan/graph.js';
import type { StageResult } from '../run-state.js';

/** A verb that this build does not run. */
export async function unknownVerb(stage: GraphStage): Promise<StageResult> {
  const message = `E_PLAN_VERB stage ${stage.id}: this build does not run the verb ${stage.verb}; start workers of a newer version`;
  throw ApplicationFailure.nonRetryable(message, 'PlanVerb', { code: 'E_PLAN_VERB' });
}
