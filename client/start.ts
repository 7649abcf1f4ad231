import { randomUUID } from 'node:crypto';
import {
  WorkflowExecutionAlreadyStartedError,
  defaultPayloadConverter,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { TypedSearchAttributes, defineSearchAttributeKey } from '@temporalio/common';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { canonicalJson, withoutUndefined } from '../plan/json.js';
import type { RunInput } from '../plan/messages.js';
import { isRunKey, runWorkflowId, taskQueues } from '../plan/names.js';
import { checkPayload, checkSearchValue } from '../plan/payload.js';
import type { SlipwayClient } from './connect.js';

export interface StartRequest {
  environment: string;
  pipeline: string;
  /** Complete params, defaults applied. */
  params: JsonObject;
  /** Plan digest; absent = the deployed one when the run begins. */
  plan?: string;
  /** The same key is the same run, open or closed. Default: a new one. */
  runKey?: string;
  /** Where the run comes from, for people. */
  trigger: string;
  /** False: no earlier result stands in for a stage. */
  cache?: false;
  /** Of its jobs where they wait for a slot, 1 to 5, lower first. Default: the pipeline's. */
  priority?: number;
  /** Takes the outputs of an ended run for every stage that does not come after `from`. */
  rerun?: { workflowId: string; runId: string; from: string };
}
export interface StartedRun {
  workflowId: string;
  runId: string;
  /** False when a run of this key was there already. */
  started: boolean;
}

const environmentKey = defineSearchAttributeKey('Environment', 'KEYWORD');
const planKey = defineSearchAttributeKey('PlanDigest', 'KEYWORD');

/** A run key that nobody has used: short enough to type. */
export function newRunKey(): string {
  return randomUUID().replaceAll('-', '').slice(0, 10);
}

/** Refuses what could not be part of a workflow id. Throws `E_ID` (65). */
export function checkRunKey(key: string): string {
  if (isRunKey(key)) return key;
  const message = 'a run key is made of letters, digits, `.`, `_`, `-`; 1 to 200 characters';
  throw new SlipwayError({ code: 'E_ID', where: key, message, fix: 'Choose another --run-key.' });
}

/**
 * Starts a run, or finds the one that this key started before.
 * Throws `E_ID_IN_USE` (65) when the id belongs to a workflow of another type, `E_IDEMPOTENCY_MISMATCH` (65) when the run has other params, listing the fields, and `E_PAYLOAD_SIZE` (65)
 * before anything is sent when the params or a search attribute are too large.
 */
export async function startRun(client: SlipwayClient, request: StartRequest): Promise<StartedRun> {
  const workflowId = runWorkflowId(request.environment, request.pipeline, checkRunKey(request.runKey ?? newRunKey()));
  const input = runInput(request);
  checkStart(input);
  const mark = randomUUID();
  await client.call(() => startOrJoin(client, request, input, workflowId, mark));
  const handle = client.temporal.workflow.getHandle(workflowId);
  const found = await client.call(() => handle.describe());
  const started = found.memo?.['start'] === mark;
  if (!started) refuseOtherType(found, request.pipeline);
  if (!started) refuseOtherParams(workflowId, request.params, await firstParams(client, workflowId, found.runId));
  return { workflowId, runId: found.runId, started };
}

/** The id is taken by something that is no run of this pipeline: other clients may start workflows of any name. */
function refuseOtherType({ workflowId, type, status }: Taken, pipeline: string): void {
  if (type === pipeline) return;
  throw new SlipwayError(
    {
      code: 'E_ID_IN_USE',
      where: workflowId,
      message: `the id belongs to a workflow of type \`${type}\` (${status.name}), not to a run of \`${pipeline}\``,
      fix: 'Nothing was started. Give another --run-key.',
    },
    exitCodes.data,
  );
}
type Taken = Pick<WorkflowExecutionDescription, 'workflowId' | 'type' | 'status'>;

function runInput(request: StartRequest): RunInput {
  return {
    params: request.params,
    environment: request.environment,
    trigger: request.trigger,
    ...withoutUndefined({ plan: request.plan }),
    ...(request.cache === false && { cache: false }),
    ...withoutUndefined({ priority: request.priority, rerun: request.rerun }),
  };
}

/** Refuses what the server would refuse in its own words, or end the run for. Throws `E_PAYLOAD_SIZE` (65). */
export function checkStart(input: RunInput): void {
  checkPayload('the input of the run', input, 'put large data into the store and pass where it is');
  checkSearchValue('Environment', input.environment ?? '');
  checkSearchValue('PlanDigest', input.plan ?? '');
}

async function startOrJoin(
  client: SlipwayClient,
  request: StartRequest,
  input: RunInput,
  workflowId: string,
  mark: string,
): Promise<void> {
  const attributes = [{ key: environmentKey, value: request.environment }];
  if (request.plan !== undefined) attributes.push({ key: planKey, value: request.plan });
  try {
    await client.temporal.workflow.start(request.pipeline, {
      workflowId,
      taskQueue: taskQueues.pipelines,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      typedSearchAttributes: new TypedSearchAttributes(attributes),
      memo: { start: mark },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** The params that a run was started with, from the first event of its history. */
async function firstParams(client: SlipwayClient, workflowId: string, runId: string): Promise<JsonObject> {
  const { history } = await client.call(() =>
    client.temporal.workflowService.getWorkflowExecutionHistory({
      namespace: client.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    }),
  );
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  const input = payload ? defaultPayloadConverter.fromPayload<RunInput>(payload) : undefined;
  return input?.params ?? {};
}

function refuseOtherParams(workflowId: string, asked: JsonObject, existing: JsonObject): void {
  const names = [...new Set([...Object.keys(asked), ...Object.keys(existing)])].sort();
  const differing = names.filter((name) => canonicalJson(asked[name]) !== canonicalJson(existing[name]));
  if (differing.length === 0) return;
  throw new SlipwayError(
    differing.map((name) => ({
      code: 'E_IDEMPOTENCY_MISMATCH',
      where: `/params/${name}`,
      message: `the run ${workflowId} of this key has ${show(existing[name])}, not ${show(asked[name])}`,
      fix: 'Nothing was started. Give another --run-key for other params.',
    })),
    exitCodes.data,
  );
}

function show(value: unknown): string {
  const text = value === undefined ? 'none' : canonicalJson(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
