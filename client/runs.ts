import type { WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { SlipwayError, exitCodes, printable, unknownName } from '../plan/errors.js';
import { failureMessageLimit } from '../plan/failures.js';
import type { RunResult, RunView } from '../plan/messages.js';
import { eachPartWorkflowType, queries, rolloutWorkflowType } from '../plan/names.js';
import { searchValue } from '../plan/payload.js';
import { progressText } from '../plan/progress.js';
import type { Outcome } from '../plan/verdict.js';
import type { SlipwayClient } from './connect.js';
import { runUnknown } from './failures.js';
import { viewRollout } from './view-rollout.js';

/** One run as lists show it. */
export interface RunSummary {
  workflowId: string;
  runId: string;
  pipeline: string;
  /** Null until its first activity has told. */
  environment: string | null;
  plan: string | null;
  state: 'running' | 'waiting-approval' | 'closed';
  /** Null while it runs. */
  outcome: Outcome | null;
  /** The stage that waits, if one does. */
  stage: string | null;
  startedAt: string;
  endedAt: string | null;
}
/** An activity that failed and is tried again: what a run waits for when a dependency is down. */
export interface RetriedActivity {
  /** Its type, such as `registerModel`. */
  activity: string;
  /** Its id: the stage's where it belongs to one. */
  id: string;
  /** The attempt that runs or comes next; the first is 1. */
  attempt: number;
  /** Message of the last attempt's failure, cut to 2,000 characters. */
  failure: string;
}
export interface RunDetails extends RunSummary {
  /** What the run itself answers; null when no worker could be asked. */
  view: RunView | null;
  /** Activities that failed and are tried again; empty when all goes well. */
  retrying: RetriedActivity[];
  reason: string | null;
  /** Store URI of the run record of an ended run. */
  record: string | null;
}

const outcomes: readonly Outcome[] = ['completed', 'promoted', 'rejected', 'rolled_back', 'cancelled', 'failed'];
/** What `--state` understands. */
export const runStates: readonly string[] = ['running', 'waiting-approval', ...outcomes];

/** One run: what the server knows, and what the run answers to the query `run`. Throws `E_RUN_UNKNOWN` (65). */
export async function viewRun(client: SlipwayClient, workflowId: string): Promise<RunDetails> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  const found = await client.call(() => handle.describe());
  const summary = summarise(found);
  const view = await currentView(client, workflowId);
  const end = summary.state === 'closed' ? await resultOf(client, workflowId, found.status.name) : undefined;
  return {
    ...summary,
    environment: summary.environment ?? view?.environment ?? null,
    plan: summary.plan ?? view?.plan ?? null,
    // A run calls itself closed a moment before Temporal does, and only then is there a result.
    state: summary.state === 'closed' ? 'closed' : openState(view?.state ?? summary.state),
    outcome: end?.outcome ?? summary.outcome,
    // Asked after the attributes were read, and so newer than these.
    stage: view?.stages.find((s) => s.status === 'waiting-approval')?.id ?? summary.stage,
    view: view === null ? null : withProgress(view, found.raw),
    retrying: retriedActivities(found.raw),
    reason: end?.reason ?? view?.reason ?? null,
    record: end?.record ?? null,
  };
}

/** Whether a run is open; one that the server does not know is not. */
export async function isOpen(client: SlipwayClient, workflowId: string): Promise<boolean> {
  const describe = () => client.temporal.workflow.getHandle(workflowId).describe();
  const found = await client.call(() => describe().catch(unlessUnknown));
  return found !== undefined && found.closeTime === undefined;
}

/** What the run answers; its rollout is asked itself, because the run only knows how that began and ended. */
async function currentView(client: SlipwayClient, workflowId: string): Promise<RunView | null> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  const view = await client.call(() => handle.query<RunView>(queries.run), 5_000).catch(() => null);
  const rollout = view?.rollout;
  const underWay = view?.stages.some((s) => s.verb === 'rollout' && s.status === 'running') === true;
  if (view === null || rollout == null || !underWay) return view;
  return { ...view, rollout: (await viewRollout(client, rollout.workflowId)) ?? rollout };
}

/** Running stages with what their jobs tell by heartbeat: newer than what the run itself knows, at no cost to its history. */
function withProgress(view: RunView, { pendingActivities }: WorkflowExecutionDescription['raw']): RunView {
  const told = new Map(
    (pendingActivities ?? []).map((a) => [a.activityId, toldBy(a.heartbeatDetails?.payloads?.[0]?.data)]),
  );
  let more = 0;
  const stages = view.stages.map((stage) => {
    const { note, interruptions } = (stage.status === 'running' && told.get(stage.id)) || untold;
    more += interruptions;
    const all = (stage.interruptions ?? 0) + interruptions;
    return { ...stage, ...(note === '' ? {} : { note }), ...(all === 0 ? {} : { interruptions: all }) };
  });
  const all = (view.interruptions ?? 0) + more;
  return { ...view, stages, ...(all === 0 ? {} : { interruptions: all }) };
}

const untold = { note: '', interruptions: 0 };

/** The progress in the heartbeat of a job, and how often it was interrupted; nothing in any other. */
function toldBy(data: Uint8Array | null | undefined): typeof untold {
  try {
    const told = JSON.parse(Buffer.from(data ?? []).toString()) as {
      progress?: object | null;
      interruptions?: unknown;
    };
    const numbers = Object.entries(told.progress ?? {}).filter((e): e is [string, number] => typeof e[1] === 'number');
    const interruptions = Number.isSafeInteger(told.interruptions) ? Math.max(0, Number(told.interruptions)) : 0;
    return { note: printable(progressText(Object.fromEntries(numbers)), 200), interruptions };
  } catch {
    return untold;
  }
}

function retriedActivities({ pendingActivities }: WorkflowExecutionDescription['raw']): RetriedActivity[] {
  return (pendingActivities ?? []).flatMap(({ activityType, activityId, attempt, lastFailure }) => {
    if (!lastFailure) return [];
    const failure = printable(lastFailure.message ?? '', failureMessageLimit);
    return [{ activity: activityType?.name ?? '', id: activityId ?? '', attempt: attempt ?? 1, failure }];
  });
}

function openState(state: RunDetails['state']): RunDetails['state'] {
  return state === 'closed' ? 'running' : state;
}

/** What an ended run returned; failed and cancelled ones fail their workflow, which is a result here. */
async function resultOf(client: SlipwayClient, workflowId: string, status: string): Promise<RunResult> {
  try {
    const handle = client.temporal.workflow.getHandle(workflowId);
    return await client.call(async () => (await handle.result()) as RunResult);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const outcome = status === 'CANCELLED' ? 'cancelled' : 'failed';
    return { outcome, reason: error.cause?.message ?? error.message, record: null };
  }
}

export interface ListRequest {
  pipeline?: string;
  /** Begin of the digest of the plan that they took, at least 6 hex digits. */
  plan?: string;
  /** Registered model version that they handle, such as `intents/3`. */
  model?: string;
  /** Started at this time or later, ISO 8601. */
  since?: string;
  /** One of `runStates`. */
  state?: string;
  environment?: string;
  /** Newest first; default 20. */
  limit?: number;
}

/** Runs by search attributes, newest first. Throws `E_USAGE` (2) for an unknown state, listing the known ones. */
export async function listRuns(client: SlipwayClient, request: ListRequest): Promise<RunSummary[]> {
  const query = listQuery(request);
  const limit = request.limit ?? 20;
  return client.call(async () => {
    const runs: RunSummary[] = [];
    for await (const found of client.temporal.workflow.list({ query, pageSize: Math.min(limit, 200) })) {
      runs.push(summarise(found));
      if (runs.length >= limit) break;
    }
    return runs;
  }, 30_000);
}

/** Throws `E_USAGE` (2) for an unknown state, before anything is asked. */
export function checkListRequest(request: ListRequest): void {
  listQuery(request);
}

/** The visibility query of a list; values are quoted so that none changes its shape. */
export function listQuery(request: ListRequest): string {
  const terms = [rolloutWorkflowType, eachPartWorkflowType].map((type) => `WorkflowType != ${quote(type)}`);
  if (request.pipeline !== undefined) terms.push(`WorkflowType = ${quote(request.pipeline)}`);
  if (request.environment !== undefined) terms.push(`Environment = ${quote(request.environment)}`);
  if (request.plan !== undefined) terms.push(`PlanDigest STARTS_WITH ${quote(request.plan)}`);
  if (request.model !== undefined) terms.push(`ModelVersion = ${quote(searchValue(request.model))}`);
  if (request.since !== undefined) terms.push(`StartTime >= ${quote(request.since)}`);
  if (request.state !== undefined) terms.push(stateTerm(request.state));
  return terms.join(' AND ');
}

function stateTerm(state: string): string {
  if (state === 'running') return 'ExecutionStatus = "Running"';
  if (state === 'waiting-approval') return 'ExecutionStatus = "Running" AND AwaitingApproval = true';
  if (state === 'cancelled') return '(Outcome = "cancelled" OR ExecutionStatus = "Canceled")';
  if (state === 'failed') return '(Outcome = "failed" OR ExecutionStatus IN ("Failed", "Terminated", "TimedOut"))';
  if (runStates.includes(state)) return `Outcome = ${quote(state)}`;
  const message = unknownName('state', state, runStates);
  throw new SlipwayError({ code: 'E_USAGE', where: '--state', message }, exitCodes.usage);
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/**
 * The workflow id that a person means: the id itself, or the only run whose id ends in `:<text>`.
 * Throws `E_RUN_UNKNOWN`, or `E_RUN_AMBIGUOUS` with the candidates (65).
 */
export async function resolveRun(client: SlipwayClient, text: string): Promise<string> {
  const handle = client.temporal.workflow.getHandle(text);
  const found = await client.call(() => handle.describe().catch(unlessUnknown));
  if (found !== undefined) return text;
  const ids = (await listRuns(client, { limit: 1_000 })).map((run) => run.workflowId);
  const matches = [...new Set(ids.filter((id) => id.endsWith(`:${text}`)))];
  const [only, second] = matches;
  if (only === undefined) throw runUnknown(text);
  if (second === undefined) return only;
  throw new SlipwayError({
    code: 'E_RUN_AMBIGUOUS',
    where: text,
    message: `${matches.length} runs end in it: ${matches.slice(0, 5).join(', ')}`,
    fix: 'Give the whole workflow id.',
  });
}

function unlessUnknown(error: unknown): undefined {
  if (error instanceof WorkflowNotFoundError) return undefined;
  throw error;
}

function summarise(found: Omit<WorkflowExecutionInfo, 'raw'>): RunSummary {
  const attributes = new Map(found.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
  const text = (name: string) => (typeof attributes.get(name) === 'string' ? String(attributes.get(name)) : null);
  const open = found.status.name === 'RUNNING' || found.status.name === 'PAUSED';
  const waiting = attributes.get('AwaitingApproval') === true;
  return {
    workflowId: found.workflowId,
    runId: found.runId,
    pipeline: found.type,
    environment: text('Environment'),
    plan: text('PlanDigest'),
    state: open ? (waiting ? 'waiting-approval' : 'running') : 'closed',
    outcome: open ? null : closedOutcome(found.status.name, text('Outcome')),
    stage: open ? text('Stage') : null,
    startedAt: found.startTime.toISOString(),
    endedAt: found.closeTime?.toISOString() ?? null,
  };
}

function closedOutcome(status: string, recorded: string | null): Outcome {
  const known = outcomes.find((outcome) => outcome === recorded);
  if (known !== undefined) return known;
  if (status === 'CANCELLED') return 'cancelled';
  return status === 'COMPLETED' ? 'completed' : 'failed';
}
