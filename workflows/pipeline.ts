import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  makeContinueAsNewFunc,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
  type ParentWorkflowInfo,
} from '@temporalio/workflow';
import type { LoadedPlan } from '../activities/load-plan.js';
import type { RunRecordFacts } from '../activities/record-run.js';
import { failureMessageLimit } from '../plan/failures.js';
import type { PlanGraph } from '../plan/graph.js';
import type { Json } from '../plan/json.js';
import type { AttemptedDecision, RunInput, RunResult, RunView } from '../plan/messages.js';
import { queries, signals, updates } from '../plan/names.js';
import { unpackGraph } from '../plan/packed-graph.js';
import type { StageOutput } from '../plan/outputs.js';
import { shortened } from '../plan/text-size.js';
import type { Verdict } from '../plan/verdict.js';
import { calls } from './call.js';
import { carriedRun } from './carried.js';
import { checkedInput } from './checked-input.js';
import { showDetails } from './current-details.js';
import { exampleDecision, parseDecision } from './decision.js';
import { failureFacts, failureReason } from './failure-facts.js';
import { runDetails } from './details.js';
import { heardCost, tellPayer } from './payer.js';
import { heardProgress } from './progress.js';
import { regardless } from './regardless.js';
import { RunContext } from './run-context.js';
import { RunState } from './run-state.js';
import { attributes } from './search-attributes.js';
import { walk, type WalkEnd } from './walk.js';
import { withoutUndefined } from '../plan/json.js';

/** Characters of where a run came from. */
const longestTrigger = 200;

/**
 * The interpreter: the bundle's default export, so that every run has its pipeline's name as workflow type.
 * It routes on verdicts and compares no measured numbers.
 */
export default async function pipeline(input: RunInput | undefined): Promise<RunResult> {
  const info = workflowInfo();
  const given = checkedInput(input);
  const environment = given.environment ?? '';
  const startedAt = info.startTime.toISOString();
  const state = new RunState(info.workflowId, info.runId, info.workflowType, environment, startedAt);
  const run = new RunContext(state);
  if (given.carried !== undefined) state.restore(carriedRun(given.carried));
  state.cache = given.cache ?? true;
  state.priority = given.priority;
  if (typeof given.trigger === 'string') state.trigger = given.trigger.slice(0, longestTrigger);
  handleMessages(run);
  showDetails(() => (state.graph === null ? '' : runDetails(state)));
  const graph = state.graph ?? resolved(state, given, await loadPlan(state, given));
  const end = await walk(run, graph);
  if (end === 'continue-as-new') return await goOn(run, given);
  return await finish(run, end);
}

/** The plan, the params and the environment's times: the first fact of a run. */
function loadPlan(state: RunState, input: RunInput): Promise<LoadedPlan> {
  return calls.loadPlan({
    pipeline: state.pipeline,
    environment: input.environment ?? null,
    plan: input.plan ?? null,
    params: input.params ?? {},
    rerun: input.rerun ?? null,
    ...withoutUndefined({ priority: input.priority }),
  });
}

function resolved(state: RunState, input: RunInput, loaded: LoadedPlan): PlanGraph {
  const graph = unpackGraph(loaded.graph);
  state.resolved(loaded.environment, graph, loaded.params);
  state.rerunOf = input.rerun?.workflowId;
  state.quiet = loaded.quiet ?? false;
  for (const [id, { output, from }] of Object.entries(loaded.reused ?? {})) {
    state.outputs.set(id, output);
    state.mark(id, 'cached', { cached: from, note: `from run ${from.run}`, verdict: verdictOf(output) });
  }
  if (workflowInfo().typedSearchAttributes.get(attributes.PlanDigest) === undefined) {
    upsertSearchAttributes([
      { key: attributes.Environment, value: loaded.environment },
      { key: attributes.PlanDigest, value: graph.digest },
    ]);
  }
  return graph;
}

function verdictOf(output: StageOutput): Verdict | null {
  return 'verdict' in output ? output.verdict : null;
}

/** The next run takes over, with an empty history and all that this one knows. */
async function goOn(run: RunContext, input: RunInput): Promise<never> {
  const { memo, typedSearchAttributes } = workflowInfo();
  const next = makeContinueAsNewFunc<typeof pipeline>({
    typedSearchAttributes,
    ...withoutUndefined({ memo }),
  });
  return await next({ ...input, carried: run.state.carry() as unknown as Json });
}

/** Closes the books: the record, the last news, the search attributes; then the outcome as Temporal sees it. */
async function finish(run: RunContext, end: WalkEnd): Promise<RunResult> {
  const { state } = run;
  state.decisions.close();
  state.outcome = end.outcome;
  state.reason = end.reason;
  upsertSearchAttributes([
    { key: attributes.Outcome, value: end.outcome },
    { key: attributes.AwaitingApproval, value: false },
  ]);
  if (end.outcome === 'failed' || end.outcome === 'cancelled' || end.outcome === 'completed')
    run.tell(end.outcome, null, `${state.workflowId} ${end.outcome}`, { reason: end.reason });
  // A run that has promoted has promoted, also when its record could not be written.
  const facts = recordFacts(state, end);
  let record: string | null = null;
  try {
    record = await regardless(() => calls.recordRun(facts));
  } catch (error) {
    log.error('the run record was not written', { reason: failureReason(error) });
  }
  if (run.busy) await run.settled();
  if (!allHandlersFinished()) await regardless(() => condition(allHandlersFinished));
  // A run that started this one pays for it.
  const cost = facts.cost === undefined ? {} : { cost: facts.cost };
  if (end.outcome === 'cancelled') {
    if (facts.cost !== undefined && isRunOf(workflowInfo().parent, state)) await tellPayer(facts.cost);
    throw end.error;
  }
  if (end.outcome === 'failed')
    throw ApplicationFailure.create({
      details: [{ ...failureFacts(end.error), ...cost }],
      message: shortened(
        end.reason ?? 'failed',
        failureMessageLimit,
        `all: slipway describe ${state.workflowId} --json`,
      ),
      type: 'RunFailed',
      nonRetryable: true,
      ...(end.error instanceof Error ? { cause: end.error } : {}),
    });
  return { outcome: end.outcome, reason: end.reason, record, ...cost };
}

function recordFacts(state: RunState, { outcome, reason }: WalkEnd): RunRecordFacts {
  const { workflowId, runId, pipeline: name, environment, plan, params, startedAt, rerunOf, trigger } = state;
  const cost = state.cost();
  const interruptions = state.interruptions();
  return {
    workflowId,
    runId,
    pipeline: name,
    environment,
    plan,
    params,
    outcome,
    reason,
    decisions: state.decisions.view(),
    startedAt,
    stages: state.stages().map((s) => ({ ...s, output: state.outputs.get(s.id) ?? null })),
    ...withoutUndefined({ rerunOf, trigger, cost, interruptions }),
  };
}

/** Whether a run of ours started it, in a `run` stage: a workflow of others knows no such signal. */
function isRunOf(parent: ParentWorkflowInfo | undefined, { trigger }: RunState): boolean {
  return parent !== undefined && trigger === `run:${parent.workflowId}`.slice(0, longestTrigger);
}

function handleMessages(run: RunContext): void {
  const { state } = run;
  setHandler(defineQuery<RunView>(queries.run), () => state.query(), {
    description: 'State of the run: stages, verdicts, waits',
  });
  const receive = (payload: unknown, channel: 'signal' | 'update') =>
    state.decisions.receive(payload, channel, new Date().toISOString());
  setHandler(defineSignal<[unknown?]>(signals.decide), (payload) => void receive(payload, 'signal'), {
    description: `Approve or reject: ${exampleDecision}`,
  });
  setDefaultSignalHandler((name) => {
    const at = state.rollout === null ? '' : `; a rollout is steered at ${state.rollout.workflowId}`;
    const why = `\`${name.slice(0, 60)}\` is no signal of a run: known is ${signals.decide}${at}`;
    state.decisions.receiveUnknown(why, new Date().toISOString());
  });
  setHandler(defineSignal<[unknown?]>(signals.progress), (payload) => heardProgress(state, payload), {
    description: 'How far a job is, sent by the worker that watches it',
  });
  setHandler(defineSignal<[unknown?]>(signals.cost), (payload) => heardCost(state, payload), {
    description: 'What the jobs of a cancelled run cost that this one started, sent by that run',
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
  const waiting = [...run.state.parked.keys()];
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
