import type { GraphStage, PlanGraph } from '../plan/graph.js';
import { valueAt, type Json, type JsonObject } from '../plan/json.js';
import type { RunView, RolloutView, StageStatus, StageView } from '../plan/messages.js';
import type { StageOutput } from '../plan/outputs.js';
import type { Ref } from '../plan/plan.js';
import type { Outcome, Verdict } from '../plan/verdict.js';
import { Decisions } from './decisions.js';

/** What a stage hands back. `stop` ends the run with that outcome: a no is a result, not an error. */
export interface StageResult {
  output: StageOutput;
  verdict?: Verdict;
  note?: string;
  stop?: { outcome: Extract<Outcome, 'rejected' | 'rolled_back' | 'promoted'>; reason: string };
}

/** The state of one run: plain values, built before the first await, read by queries. */
export class RunState {
  readonly decisions = new Decisions();
  readonly outputs = new Map<string, StageOutput>();
  rollout: RolloutView | null = null;
  environment: string;
  plan = '';
  params: JsonObject = {};
  outcome: Outcome | null = null;
  reason: string | null = null;
  graph: PlanGraph | null = null;
  private views: StageView[] = [];

  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly pipeline: string,
    environment: string | undefined,
  ) {
    this.environment = environment ?? '';
  }

  resolved(environment: string, graph: PlanGraph, params: JsonObject): void {
    this.environment = environment;
    this.graph = graph;
    this.plan = graph.digest;
    this.params = params;
    this.views = graph.stages.map((s) => ({
      id: s.id,
      verb: s.verb,
      status: 'waiting',
      startedAt: null,
      endedAt: null,
      attempt: 0,
      verdict: null,
      note: null,
    }));
  }

  /** Stages that have not started and whose predecessors are all done. */
  ready(): GraphStage[] {
    const done = new Set(this.views.filter((v) => v.status === 'done').map((v) => v.id));
    const waiting = new Set(this.views.filter((v) => v.status === 'waiting').map((v) => v.id));
    return (this.graph?.stages ?? []).filter((s) => waiting.has(s.id) && s.needs.every((n) => done.has(n)));
  }

  view(id: string): StageView {
    const view = this.views.find((v) => v.id === id);
    if (view === undefined) throw new Error(`no stage ${id}`);
    return view;
  }

  mark(id: string, status: StageStatus, facts: Partial<StageView> = {}): void {
    Object.assign(this.view(id), { status, ...facts });
  }

  /** Stages that will not run any more. */
  skipRest(): void {
    for (const v of this.views) if (v.status === 'waiting') v.status = 'skipped';
  }

  /** The values of a stage's bindings: JSON pointer → value. */
  inputs(stage: GraphStage): Record<string, Json> {
    return Object.fromEntries(
      stage.bindings.map(({ at, ref }) => {
        return [at, this.valueOf(ref) ?? null];
      }),
    );
  }

  private valueOf(ref: Ref): Json | undefined {
    switch (ref.from) {
      case 'param':
        return valueAt(this.params, ref.path);
      case 'stage':
        return valueAt(this.outputs.get(ref.stage) as unknown as Json | undefined, ref.path);
      case 'either':
        return ref.refs.map((r) => this.valueOf(r)).find((v) => v !== undefined);
      case 'item':
        return undefined;
    }
  }

  /** Outputs of one kind, in the plan's order. */
  outputsOf<T extends StageOutput>(is: (output: StageOutput) => output is T): T[] {
    return [...this.outputs.values()].filter(is);
  }

  stages(): StageView[] {
    return this.views;
  }

  query(): RunView {
    const waiting = this.views.some((v) => v.status === 'waiting-approval');
    return {
      workflowId: this.workflowId,
      pipeline: this.pipeline,
      environment: this.environment,
      plan: this.plan,
      params: this.params,
      state: this.outcome !== null ? 'closed' : waiting ? 'waiting-approval' : 'running',
      outcome: this.outcome,
      reason: this.reason,
      stages: this.views,
      decisions: this.decisions.view(),
      rollout: this.rollout,
    };
  }
}
