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
  private readonly champions = new Map<string, Promise<ChampionFact | null>>();
  private readonly told: Promise<unknown>[] = [];

  constructor(
    readonly state: RunState,
    private readonly changed: () => void,
  ) {}

  ref(): RunRef {
    const { workflowId, runId, pipeline, environment, plan } = this.state;
    return { workflowId, runId, pipeline, environment, plan };
  }

  call(stage: GraphStage, attempt = 1): StageCall {
    return { run: this.ref(), stage: stage.id, attempt, inputs: this.state.inputs(stage) };
  }

  /** Who serves, asked once per run and service. */
  champion(service: string): Promise<ChampionFact | null> {
    const known =
      this.champions.get(service) ?? calls.resolveChampion({ environment: this.state.environment, service });
    this.champions.set(service, known);
    return known;
  }

  /** Tells people without waiting for them; `settled` waits at the end. */
  tell(kind: RunEvent['kind'], stage: string | null, text: string, facts: Record<string, Json> = {}): void {
    const { workflowId, pipeline, environment } = this.state;
    // Outside the stage's scope: news of a no must not be cancelled with the stages that the no ends.
    const sent = CancellationScope.nonCancellable(() =>
      calls.notify({ kind, workflowId, pipeline, environment, stage, text, facts }),
    );
    this.told.push(sent.catch(() => undefined));
  }

  async settled(): Promise<void> {
    await Promise.all(this.told);
  }

  /** Something that people see has changed. */
  show(): void {
    this.changed();
  }
}
