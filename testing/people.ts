import type { WorkflowClient } from '@temporalio/client';
import { durationMs } from '../plan/duration.js';
import type { RunEvent } from '../plan/messages.js';
import { rolloutWorkflowId, signals, taskQueues } from '../plan/names.js';
import type { PipelineScript, ScriptedApproval, ScriptedSteering } from './script.js';
import type { Turnstile } from './time-skipping/turnstile.js';
import type { Act, actLater } from './workflow/act-later.js';
import { withoutUndefined } from '../plan/json.js';

/**
 * The people of a script. What they do is a timer of a workflow, so that its time is skipped like all other time; it
 * is started by an activity of the run, while which the clock stands still.
 */
export class People {
  /** Everything in a script happens once. */
  private readonly done = new Set<ScriptedApproval | ScriptedSteering>();
  private acts = 0;

  constructor(
    private readonly script: PipelineScript,
    private readonly environment: string,
    private readonly client: WorkflowClient,
    private readonly turnstile: Turnstile,
  ) {}

  /** The activity that does what `actLater` was waiting for. Whom it is for may have ended. */
  readonly activities = {
    act: async ({ workflowId, signal, payload }: Act): Promise<void> => {
      const handle = this.client.getHandle(workflowId);
      await this.turnstile.steer(workflowId, async () => {
        if (signal === null) await handle.cancel().catch(() => undefined);
        else await handle.signal(signal, payload).catch(() => undefined);
      });
    },
  };

  /** A run starts. */
  async started(workflowId: string): Promise<void> {
    const { cancelAfter } = this.script;
    if (cancelAfter !== undefined) await this.later({ workflowId, signal: null, payload: null }, cancelAfter);
  }

  /** People are told of something: who is asked to decide, decides. */
  async told(event: RunEvent): Promise<void> {
    if (event.kind !== 'waiting-approval') return;
    for (const approval of this.script.approvals ?? []) {
      const { stage, decision = 'approve', by, reason, after } = approval;
      if (stage !== event.stage || this.done.has(approval)) continue;
      this.done.add(approval);
      const payload = { stage, decision, by, ...withoutUndefined({ reason }) };
      await this.later({ workflowId: event.workflowId, signal: signals.decide, payload }, after);
    }
  }

  /** The candidate of a service has another weight. */
  async sawWeight(service: string, weight: number): Promise<void> {
    for (const steering of this.script.steering ?? []) {
      const { signal, by, reason, after } = steering;
      if (steering.weight !== weight || this.done.has(steering)) continue;
      this.done.add(steering);
      const payload = { by, ...withoutUndefined({ reason }) };
      await this.later({ workflowId: rolloutWorkflowId(this.environment, service), signal, payload }, after);
    }
  }

  private async later(act: Act, after = '0s'): Promise<void> {
    await this.client.start<typeof actLater>('actLater', {
      workflowId: `act-${this.acts++}`,
      taskQueue: taskQueues.pipelines,
      args: [{ ...act, afterMs: durationMs(after) }],
    });
  }
}
