import {
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  isCancellation,
  startChild,
  upsertSearchAttributes,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { GraphStage } from '../../plan/graph.js';
import type { RolloutView } from '../../plan/messages.js';
import { rolloutWorkflowId, taskQueues } from '../../plan/names.js';
import type { RolloutOutput, VersionOutput } from '../../plan/outputs.js';
import { searchValue } from '../../plan/payload.js';
import { calls } from '../call.js';
import { failureReason } from '../failure-facts.js';
import { releaseFacts } from '../release-facts.js';
import type { rollout as rolloutWorkflow } from '../rollout.js';
import type { RolloutInput } from '../rollout-state.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { attributes } from '../search-attributes.js';

/** Runs the rollout as a child of its own, one per service at a time. */
export async function rollout(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const input = rolloutInput(stage, run);
  const { service, version } = input;
  const show = (facts: Omit<RolloutView, 'workflowId' | 'service'>) =>
    void (run.state.rollout = { workflowId: rolloutWorkflowId(run.state.environment, service), service, ...facts });
  show({ phase: 'loading', weight: 0, note: null, refused: [] });
  upsertSearchAttributes([
    { key: attributes.Stage, value: stage.id },
    { key: attributes.ModelVersion, value: searchValue(`${version.name}/${version.version}`) },
  ]);
  const output = await outputOf(stage, input, run).catch((error: unknown) => {
    // Nobody asks a rollout that has ended: what is shown here is what people see from now on.
    show({ phase: 'done', weight: 0, note: isCancellation(error) ? 'cancelled' : failureReason(error), refused: [] });
    throw error;
  });
  const { outcome, reason, refused } = output;
  show({ phase: 'done', weight: outcome === 'promoted' ? 100 : 0, note: reason, refused });
  const note = `${output.outcome}${output.firstModel ? ', first model' : ''}${output.reason === null ? '' : `: ${output.reason}`}`;
  if (output.outcome === 'promoted') {
    run.tell('promoted', stage.id, `${service} version ${version.version} serves`, { version: version.version });
    return { output, verdict: 'pass', note };
  }
  run.tell(output.outcome, stage.id, note, { version: version.version });
  return { output, verdict: 'fail', note, stop: { outcome: output.outcome, reason: output.reason ?? output.outcome } };
}

async function outputOf(stage: GraphStage, input: RolloutInput, run: RunContext): Promise<RolloutOutput> {
  const child = await startAlone(input, run);
  run.state.mark(stage.id, 'running', { note: null });
  return await child.result();
}

function rolloutInput(stage: GraphStage, run: RunContext): RolloutInput {
  const flow = stage.rollout;
  const version = run.state.input(stage, '/version') as unknown as VersionOutput | null;
  if (flow === undefined || version === null)
    throw new Error(`stage ${stage.id} has no rollout settings or no version`);
  const service = flow.service ?? version.name;
  const limitMs = stage.limits.timeoutMs;
  return { run: run.ref(), stage: stage.id, service, version, flow, limitMs, ...releaseFacts(service, version, run) };
}

/** The child's id is the lock: while another rollout of the service runs, this one waits for its end. */
async function startAlone(input: RolloutInput, run: RunContext): Promise<ChildWorkflowHandle<typeof rolloutWorkflow>> {
  const workflowId = rolloutWorkflowId(input.run.environment, input.service);
  for (;;) {
    try {
      return await startChild<typeof rolloutWorkflow>('rollout', {
        workflowId,
        taskQueue: taskQueues.pipelines,
        args: [input],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        typedSearchAttributes: [{ key: attributes.Environment, value: input.run.environment }],
        staticSummary: `${input.service} version ${input.version.version}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      run.state.mark(input.stage, 'running', { note: `waits for another rollout of ${input.service}` });
      await calls.awaitRollout({ workflowId });
    }
  }
}
