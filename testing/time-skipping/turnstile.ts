import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { WorkflowClient } from '@temporalio/client';

/** Temporal's number of "no worker has taken it yet". */
const scheduled = 1;
const pollMs = 2;

/**
 * Lets one thing at a time reach the workflows of a time-skipping server, and only while nothing is under way there.
 * That server has two faults which real servers have not: when a workflow task cancels an activity whose answer came
 * while the task was open, the task is lost and the workflow stands still for ever; and when it cancels an
 * activity that no worker had taken, time is never skipped again.
 */
export class Turnstile {
  private readonly workflowIds = new Set<string>();
  /** Activities whose answer is on its way to the server. */
  private readonly answered = new Set<string>();
  private last: Promise<unknown> = Promise.resolve();

  private isOpen = false;

  constructor(private readonly client: WorkflowClient) {}

  /** Nobody waits any more: for the end of a test, whatever state its workflows are in. */
  open(): void {
    this.isOpen = true;
  }

  /** Something from outside: a signal, a cancellation. */
  async steer<T>(workflowId: string, act: () => Promise<T>): Promise<T> {
    this.workflowIds.add(workflowId);
    return await this.inTurn(act);
  }

  /** An activity's answer: what `act` answers or throws is handed over in its turn. */
  async answer<T>(act: () => Promise<T>): Promise<T> {
    const { info } = Context.current();
    // A local one is answered inside an open workflow task, which could otherwise never end.
    if (this.isOpen || info.isLocal) return await act();
    this.workflowIds.add(info.workflowExecution?.workflowId ?? '');
    const key = `${info.workflowExecution?.runId}/${info.activityId}/${info.attempt}`;
    // A stage's next attempt has the id of the one before, whose answer has arrived long ago.
    this.answered.delete(key);
    try {
      return await act();
    } finally {
      await this.inTurn(
        async () => void this.answered.add(key),
        () => Context.current().heartbeat(),
      );
    }
  }

  private async inTurn<T>(act: () => Promise<T>, whileWaiting?: () => void): Promise<T> {
    const turn = this.last.then(async () => {
      while (!this.isOpen && !(await this.quiet())) {
        whileWaiting?.();
        await delay(pollMs);
      }
      return await act();
    });
    this.last = turn.catch(() => undefined);
    return await turn;
  }

  private async quiet(): Promise<boolean> {
    const rest = await Promise.all([...this.workflowIds].map((workflowId) => this.rests(workflowId)));
    return !rest.includes(false);
  }

  /**
   * No answer on its way, no activity without a worker, no open workflow task. The first two are asked before the third: once no
   * answer is on its way, no new task can open. And nothing may have happened between the two questions.
   */
  private async rests(workflowId: string): Promise<boolean> {
    const handle = this.client.getHandle(workflowId);
    const { raw, status, historyLength } = await handle.describe();
    if (status.name !== 'RUNNING') return true;
    const runId = raw.workflowExecutionInfo?.execution?.runId;
    const isRestless = (raw.pendingActivities ?? []).some(
      (a) => a.state === scheduled || this.answered.has(`${runId}/${a.activityId}/${a.attempt}`),
    );
    if (isRestless) return false;
    const { events } = await handle.fetchHistory();
    const task = events?.findLast((e) => e.eventType != null && isOfWorkflowTask(e));
    return events?.length === historyLength && task?.workflowTaskCompletedEventAttributes != null;
  }
}

function isOfWorkflowTask(event: object): boolean {
  return Object.entries(event).some(([key, value]) => key.startsWith('workflowTask') && value != null);
}
