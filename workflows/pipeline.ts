import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { failureMessageLimit } from '../plan/failures.js';
import type { AttemptedDecision, RunInput, RunResult, RunView } from '../plan/messages.js';
import { queries, signals, updates } from '../plan/names.js';
import { calls } from './call.js';
import { exampleDecision, parseDecision } from './decision.js';
import { failureReason } from './failure-facts.js';
import { runDetails } from './details.js';
import { RunContext } from './run-context.js';
import { RunState } from './run-state.js';
import { attributes } from './search-attributes.js';
import { walk, type WalkEnd } from './walk.js';

/**
 * The interpreter: the bundle's default export, so that every run has its pipeline's name as workflow type.
 * It routes on verdicts and compares no measured numbers.
 */
export default async function pipeline(input: RunInput | undefined): Promise<RunResult> {
  const info = workflowInfo();
  const state = new RunState(info.workflowId, info.runId, info.workflowType, input?.environment);
  const run = new RunContext(state, () => setCurrentDetails(runDetails(state)));
  handleMessages(run);
  const end = await resolveAndWalk(run, checkedInput(input));
  return await finish(run, end);
}

/** Starts come from forms and stock tools too: what is not an object with known keys is refused before anything happens. */
function checkedInput(input: unknown): RunInput {
  const known = ['params', 'plan', 'environment', 'trigger'];
  const given = input ?? {};
  const wrong =
    typeof given !== 'object' || Array.isArray(given)
      ? `the input is ${Array.isArray(given) ? 'an array' : `a ${typeof given}`}`
      : Object.keys(given)
          .filter((k) => !known.includes(k))
          .map((k) => `unknown key ${JSON.stringify(k.slice(0, 40))}`)[0];
  if (wrong === undefined) return given;
  const message = `E_INPUT ${wrong}; the input is one object such as {"params":{},"environment":"dev"}`;
  throw ApplicationFailure.nonRetryable(message, 'Input', { code: 'E_INPUT' });
}

async function resolveAndWalk(run: RunContext, input: RunInput): Promise<WalkEnd> {
  const { state } = run;
  const loaded = await calls.loadPlan({
    pipeline: state.pipeline,
    environment: input.environment ?? null,
    plan: input.plan ?? null,
    params: input.params ?? {},
  });
  state.resolved(loaded.environment, loaded.graph, loaded.params);
  if (workflowInfo().typedSearchAttributes.get(attributes.PlanDigest) === undefined) {
    upsertSearchAttributes([
      { key: attributes.Environment, value: loaded.environment },
      { key: attributes.PlanDigest, value: loaded.graph.digest },
    ]);
  }
  run.show();
  return await walk(run);
}

/** Closes the books: the record, the last news, the search attributes; then the outcome as Temporal sees it. */
async function finish(run: RunContext, end: WalkEnd): Promise<RunResult> {
  const { state } = run;
  return await CancellationScope.nonCancellable(async () => {
    state.decisions.close();
    state.outcome = end.outcome;
    state.reason = end.reason;
    upsertSearchAttributes([
      { key: attributes.Outcome, value: end.outcome },
      { key: attributes.AwaitingApproval, value: false },
    ]);
    if (end.outcome === 'failed' || end.outcome === 'cancelled' || end.outcome === 'completed')
      run.tell(end.outcome, null, `${state.workflowId} ${end.outcome}`, { reason: end.reason });
    const { workflowId, runId, pipeline: name, environment, plan, params } = state;
    const facts = {
      workflowId,
      runId,
      pipeline: name,
      environment,
      plan,
      params,
      outcome: end.outcome,
      reason: end.reason,
      decisions: state.decisions.view(),
      startedAt: workflowInfo().startTime.toISOString(),
      stages: state.stages().map((s) => ({ ...s, output: state.outputs.get(s.id) ?? null })),
    };
    // A run that has promoted has promoted, also when its record could not be written.
    const record = await calls.recordRun(facts).catch((error: unknown) => {
      log.error('the run record was not written', { reason: failureReason(error) });
      return null;
    });
    await run.settled();
    run.show();
    await condition(allHandlersFinished);
    if (end.outcome === 'cancelled') throw end.error;
    if (end.outcome === 'failed')
      throw ApplicationFailure.create({
        message: (end.reason ?? 'failed').slice(0, failureMessageLimit),
        type: 'RunFailed',
        nonRetryable: true,
        ...(end.error instanceof Error ? { cause: end.error } : {}),
      });
    return { outcome: end.outcome, reason: end.reason, record };
  });
}

function handleMessages(run: RunContext): void {
  const { state } = run;
  setHandler(defineQuery<RunView>(queries.run), () => state.query(), {
    description: 'State of the run: stages, verdicts, waits',
  });
  const receive = (payload: unknown, channel: 'signal' | 'update') => {
    const received = state.decisions.receive(payload, channel, new Date().toISOString());
    if (state.graph !== null) run.show();
    return received;
  };
  setHandler(defineSignal<[unknown?]>(signals.decide), (payload) => void receive(payload, 'signal'), {
    description: `Approve or reject: ${exampleDecision}`,
  });
  setHandler(
    defineUpdate<AttemptedDecision, [unknown]>(updates.decide),
    async (payload) => {
      const received = receive(payload, 'update');
      await condition(() => received.status !== 'kept');
      const { decision: _decision, stage: _stage, ...answer } = received;
      return answer;
    },
    {
      validator: (payload) => refuseEarly(run, payload),
      description: `Approve or reject, with an answer: ${exampleDecision}`,
    },
  );
}

/** Synchronous and pure: a caller learns at once that nobody waits for this decision, or that it is not one. */
function refuseEarly(run: RunContext, payload: unknown): void {
  const parsed = parseDecision(payload);
  if ('why' in parsed) throw ApplicationFailure.nonRetryable(parsed.why, 'DecisionMalformed', { code: 'E_DECISION' });
  const waiting = run.state
    .stages()
    .filter((s) => s.status === 'waiting-approval')
    .map((s) => s.id);
  const { stage } = parsed.decision;
  if (waiting.length === 0)
    throw ApplicationFailure.nonRetryable('gate_not_open: no stage waits for approval', 'DecisionNotExpected', {
      code: 'E_DECISION',
    });
  if (stage !== undefined && !waiting.includes(stage))
    throw ApplicationFailure.nonRetryable(
      `stage ${stage} does not wait for approval; waiting: ${waiting.join(', ')}`,
      'DecisionNotExpected',
      { code: 'E_DECISION' },
    );
}
