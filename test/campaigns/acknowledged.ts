import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

const callLimitMs = 30_000;
const atOnce = 10;
/** gRPC status. */
const notFound = 5;
/** `COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK` */
const scheduleActivityTask = 1;

interface Acks {
  signals: string[];
  /** What its activity answered. */
  completion?: string;
}

/** What the server has said that it took, workflow by workflow. */
export class Acknowledged {
  /** How many acknowledgements. */
  count = 0;
  readonly #workflows = new Map<string, Acks>();

  started(workflowId: string): void {
    this.#workflows.set(workflowId, { signals: [] });
    this.count++;
  }

  completed(workflowId: string, completion: string): void {
    this.#of(workflowId).completion = completion;
    this.count++;
  }

  signalled(workflowId: string, signal: string): void {
    this.#of(workflowId).signals.push(signal);
    this.count++;
  }

  counts(): { starts: number; completions: number; signals: number } {
    const all = [...this.#workflows.values()];
    return {
      starts: all.length,
      completions: all.filter(({ completion }) => completion !== undefined).length,
      signals: all.flatMap(({ signals }) => signals).length,
    };
  }

  /** One line for each that no history holds. */
  async missingIn(client: Client): Promise<string[]> {
    const left = [...this.#workflows];
    const missing: string[] = [];
    const look = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        missing.push(...(await missingOf(client, ...next)));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, look));
    return missing;
  }

  #of(workflowId: string): Acks {
    const acks = this.#workflows.get(workflowId);
    if (acks === undefined) throw new Error(`${workflowId} was not started`);
    return acks;
  }
}

async function missingOf(client: Client, workflowId: string, acks: Acks): Promise<string[]> {
  const history = await client.workflow
    .getHandle(workflowId)
    .fetchHistory()
    .catch((error: unknown) => {
      if (isGrpcServiceError(error) && Number(error.code) === notFound) return undefined;
      throw error;
    });
  if (history === undefined) return [`start of ${workflowId}`];
  const events = history.events ?? [];
  const signals = new Set(events.map((e) => e.workflowExecutionSignaledEventAttributes?.signalName));
  const answers = events.flatMap((e) => e.activityTaskCompletedEventAttributes?.result?.payloads ?? []);
  const missing = acks.signals.filter((signal) => !signals.has(signal));
  if (acks.completion !== undefined) {
    const found = answers.some((payload) => defaultPayloadConverter.fromPayload(payload) === acks.completion);
    if (!found) missing.push(`activity ${acks.completion}`);
  }
  return missing.map((what) => `${what} of ${workflowId}`);
}

/**
 * What clients and a worker ask of the server for one run, call by call, so that each acknowledgement is seen: start, activity
 * scheduled, taken and completed, two signals. Throws when a call fails; what it asked then may be in the history or not.
 */
export async function story(client: Client, acknowledged: Acknowledged): Promise<void> {
  const workflowId = randomUUID();
  // Its own, so that nobody else takes its tasks.
  const taskQueue = workflowId;
  const { connection } = client;
  const call = <T>(work: () => Promise<T>) => connection.withDeadline(Date.now() + callLimitMs, work);
  const handle = await call(() => client.workflow.start('story', { workflowId, taskQueue }));
  acknowledged.started(workflowId);
  await call(() => scheduleActivity(client, taskQueue));
  const completion = randomUUID();
  await call(() => completeActivity(client, taskQueue, completion));
  acknowledged.completed(workflowId, completion);
  for (let n = 0; n < 2; n++) {
    const signal = randomUUID();
    await call(() => handle.signal(signal));
    acknowledged.signalled(workflowId, signal);
  }
}

async function scheduleActivity({ workflowService }: Client, name: string): Promise<void> {
  const taskQueue = { name };
  const { taskToken } = await workflowService.pollWorkflowTaskQueue({ namespace: 'default', taskQueue });
  const scheduleActivityTaskCommandAttributes = {
    activityId: 'answer',
    activityType: { name: 'answer' },
    taskQueue,
    scheduleToCloseTimeout: msToTs('1 hour'),
  };
  const commands = [{ commandType: scheduleActivityTask, scheduleActivityTaskCommandAttributes }];
  await workflowService.respondWorkflowTaskCompleted({ namespace: 'default', taskToken, commands });
}

async function completeActivity({ workflowService }: Client, name: string, answer: string): Promise<void> {
  const { taskToken } = await workflowService.pollActivityTaskQueue({ namespace: 'default', taskQueue: { name } });
  const result = { payloads: [defaultPayloadConverter.toPayload(answer)] };
  await workflowService.respondActivityTaskCompleted({ namespace: 'default', taskToken, result });
}
