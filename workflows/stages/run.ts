import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  isCancellation,
  startChild,
} from '@temporalio/workflow';
import type { GraphStage } from '../../plan/graph.js';
import type { JsonObject } from '../../plan/json.js';
import { childRunWorkflowId, taskQueues } from '../../plan/names.js';
import type { RunInput, RunResult } from '../../plan/messages.js';
import { pointerSteps, withoutUndefined } from '../../plan/json.js';
import { failureFacts, failureReason, refusal } from '../failure-facts.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { isOverLimit, withinLimit } from '../stage-limit.js';
import { attributes } from '../search-attributes.js';

/** Starts another pipeline as a child and takes its outcome: a no of the child is a no of this run. */
export async function runPipeline(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const { state } = run;
  const pipeline = stage.run?.pipeline ?? '';
  const workflowId = childRunWorkflowId(state.workflowId, stage.id);
  const input: RunInput = {
    environment: state.environment,
    params: params(stage, run),
    trigger: `run:${state.workflowId}`,
    ...(state.cache ? {} : { cache: false }),
    ...withoutUndefined({ priority: state.priority }),
  };
  const toItsEnd = async (): Promise<RunResult> => {
    const child = await startChild<(input: RunInput) => Promise<RunResult>>(pipeline, {
      workflowId,
      taskQueue: taskQueues.pipelines,
      args: [input],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: [{ key: attributes.Environment, value: state.environment }],
      staticSummary: `${pipeline}, started by ${state.pipeline}`,
    });
    state.mark(stage.id, 'running', { note: workflowId });
    return await child.result();
  };
  const limit = { stage: stage.id, limitMs: stage.limits.timeoutMs };
  const { cost, ...ended } = await withinLimit(limit, toItsEnd).catch(childFailed(pipeline, workflowId));
  state.spend(stage.id, cost);
  const { outcome, reason } = ended;
  const note = `${workflowId} ${outcome}${reason === null ? '' : `: ${reason}`}`;
  const output = { kind: 'run', workflowId, ...ended } as const;
  if (outcome === 'rejected' || outcome === 'rolled_back')
    return { output, verdict: 'fail', note, stop: { outcome, reason: `${stage.id}: ${note}` } };
  return { output, verdict: 'pass', note };
}

function params(stage: GraphStage, run: RunContext): JsonObject {
  const { inputs, stored } = run.state.inputs(stage.bindings);
  const [tooLarge] = Object.keys(stored);
  if (tooLarge !== undefined)
    throw refusal('E_INPUT', 'Input', `the value for ${tooLarge} is too large for a param; pass a reference to it`);
  const given = Object.entries(inputs).flatMap(([at, value]) => {
    const [group, name] = pointerSteps(at);
    return group === 'params' && name !== undefined ? [[name, value] as const] : [];
  });
  return { ...stage.run?.params, ...Object.fromEntries(given) };
}

/** A child that somebody else cancelled has failed for this run; only this run's own cancellation is one. */
function childFailed(pipeline: string, workflowId: string): (error: unknown) => never {
  return (error) => {
    if (isOverLimit(error) || (isCancellation(error) && CancellationScope.current().consideredCancelled)) throw error;
    // What the child says of its end, not what it says of the end's cause: that names its stage.
    const said = error instanceof Error && error.cause instanceof Error ? error.cause.message : failureReason(error);
    const how = isCancellation(error) ? 'was cancelled' : `failed: ${said}`;
    const { cost } = failureFacts(error);
    const paid = cost === undefined ? {} : { cost };
    throw refusal('E_CHILD_RUN', 'ChildRun', `run ${workflowId} of ${pipeline} ${how}`, paid);
  };
}
