import { CancellationScope } from '@temporalio/workflow';
import type { RunRef, StageCall } from '../activities/calls.js';
import type { ChampionFact } from '../activities/resolve-champion.js';
import type { GraphStage } from '../plan/graph.js';
import type { Json } from '../plan/json.js';
import type { RunEvent } from '../plan/messages.js';
import { calls } from './call.js';
import type { RunState } from './run-state.js';

/** What a stage may use: the state of the run, and calls that need its identity. */
export class RunContext {
  private readonly asked = new Map<string, Promise<ChampionFact | null>>();
  private telling = 0;
  private told: Promise<unknown>[] = [];

  constructor(readonly state: RunState) {}

  ref(): RunRef {
    const { workflowId, runId, pipeline, environment, plan } = this.state;
    return { workflowId, runId, pipeline, environment, plan };
  }

  call(stage: GraphStage, attempt = 1): StageCall {
    const { inputs, stored } = this.state.inputs(stage.bindings);
    return {
      run: this.ref(),
      stage: stage.id,
      attempt,
      inputs,
      ...(Object.keys(stored).length === 0 ? {} : { stored }),
      ...(this.state.cache ? {} : { cache: false }),
      ...this.spent(stage, attempt),
    };
  }

  /** What a budget is judged by; nothing where there is none, or where people let the attempt begin all the same. */
  spent(stage: GraphStage, attempt: number): Pick<StageCall, 'spent'> {
    const { state } = this;
    if (stage.budget === undefined || state.overBudget.has(`${stage.id}/${attempt}`)) return {};
    const all = state.cost();
    const own = state.view(stage.id).cost?.amount ?? 0;
    return { spent: { stage: own, run: all?.amount ?? 0, currency: all?.currency ?? '' } };
  }

  /** Who serves, asked once per run and service. */
  async champion(service: string): Promise<ChampionFact | null> {
    const { champions, environment } = this.state;
    const known = champions.get(service);
    if (known !== undefined) return known;
    const answer = this.asked.get(service) ?? calls.resolveChampion({ environment, service });
    this.asked.set(service, answer);
    const fact = await answer;
    champions.set(service, fact);
    return fact;
  }

  /** Tells people without waiting for them; `settled` waits at the end. */
  tell(kind: RunEvent['kind'], stage: string | null, text: string, facts: Record<string, Json> = {}): void {
    const { workflowId, pipeline, environment, quiet } = this.state;
    if (quiet) return;
    this.telling++;
    // Outside the stage's scope: news of a no must not be cancelled with the stages that the no ends.
    const sent = CancellationScope.nonCancellable(() =>
      calls.notify({ kind, workflowId, pipeline, environment, stage, text, facts }),
    );
    this.told.push(sent.catch(() => undefined).finally(() => this.telling--));
  }

  /** News is still on its way. */
  get busy(): boolean {
    return this.telling > 0;
  }

  async settled(): Promise<void> {
    await Promise.all(this.told);
  }
}
