import { sumOf, type Cost } from '../plan/cost.js';
import type { StageCall } from '../activities/calls.js';
import type { ChampionFact } from '../activities/resolve-champion.js';
import type { GraphStage, PlanGraph } from '../plan/graph.js';
import { withAttempt, type AttemptView, type JobTold } from '../plan/job-told.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { RunView, RolloutView, StageStatus, StageView } from '../plan/messages.js';
import type { CachedFrom, StageOutput } from '../plan/outputs.js';
import type { Binding } from '../plan/plan.js';
import type { Outcome, Verdict } from '../plan/verdict.js';
import { bound } from './bindings.js';
import type { CarriedRun, ParkedApproval } from './carried.js';
import { Decisions } from './decisions.js';
import { withoutUndefined } from '../plan/json.js';

/** What a stage hands back. `stop` ends the run with that outcome: a no is a result, not an error. */
export interface StageResult {
  output: StageOutput;
  verdict?: Verdict;
  note?: string;
  /** The earlier result that stood in. */
  cached?: CachedFrom | undefined;
  stop?: { outcome: Exclude<Outcome, 'failed' | 'cancelled'>; reason: string };
}

/** Notes of large runs are cut in the view, and attempts left out, so that an answer to the query stays small. */
const manyStages = 100;
const shortNote = 80;

/** The state of one run: plain values, built before the first await, read by queries. */
export class RunState {
  readonly decisions = new Decisions();
  readonly outputs = new Map<string, StageOutput>();
  /** Ids of the stages that have done their work in this run, in the order of their ends. */
  readonly completed: string[] = [];
  /** Who served when the run first asked, by service. */
  readonly champions = new Map<string, ChampionFact | null>();
  /** Approvals that wait. */
  readonly parked = new Map<string, ParkedApproval>();
  rollout: RolloutView | null = null;
  plan = '';
  params: JsonObject = {};
  outcome: Outcome | null = null;
  reason: string | null = null;
  graph: PlanGraph | null = null;
  /** False: no earlier result may stand in. */
  cache = true;
  /** That this run was given; its children get it too. */
  priority: number | undefined;
  rerunOf: string | undefined;
  /** Where the run came from, for people. */
  trigger: string | undefined;
  /** Attempts (`<stage>/<number>`) that people let begin although a budget was used up. */
  readonly overBudget = new Set<string>();
  /** Cancelled children that have told what they cost. */
  readonly heardFrom = new Set<string>();
  /** No notifier is configured: news would reach nobody. */
  quiet = false;
  private readonly views = new Map<string, StageView>();

  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly pipeline: string,
    public environment: string,
    /** ISO 8601; of the first run when it has continued as new. */
    public startedAt: string,
  ) {}

  resolved(environment: string, graph: PlanGraph, params: JsonObject): void {
    this.environment = environment;
    this.graph = graph;
    this.plan = graph.digest;
    this.params = params;
    for (const { id, verb } of graph.stages)
      this.views.set(id, {
        id,
        verb,
        status: 'waiting',
        startedAt: null,
        endedAt: null,
        attempt: 0,
        verdict: null,
        note: null,
      });
  }

  /** Takes over what the run before this one handed on. */
  restore(carried: CarriedRun): void {
    this.startedAt = carried.startedAt;
    this.resolved(carried.environment, carried.graph, carried.params);
    for (const view of carried.stages) this.views.set(view.id, view);
    for (const [id, output] of carried.outputs) this.outputs.set(id, output);
    for (const [service, fact] of carried.champions) this.champions.set(service, fact);
    for (const [id, approval] of carried.parked) this.parked.set(id, approval);
    this.completed.push(...carried.completed);
    this.decisions.all.push(...carried.decisions);
    this.rollout = carried.rollout;
    this.rerunOf = carried.rerunOf ?? undefined;
    this.quiet = carried.quiet;
  }

  /** What the next run needs to go on; plain JSON. */
  carry(): CarriedRun {
    if (this.graph === null) throw new Error('a run without a plan has nothing to carry');
    return {
      format: 1,
      startedAt: this.startedAt,
      environment: this.environment,
      graph: this.graph,
      params: this.params,
      stages: this.stages(),
      outputs: [...this.outputs],
      completed: this.completed,
      champions: [...this.champions],
      parked: [...this.parked],
      decisions: this.decisions.all,
      rollout: this.rollout,
      rerunOf: this.rerunOf ?? null,
      quiet: this.quiet,
    };
  }

  view(id: string): StageView {
    const view = this.views.get(id);
    if (view === undefined) throw new Error(`no stage ${id}`);
    return view;
  }

  mark(id: string, status: StageStatus, facts: Partial<StageView> = {}): void {
    Object.assign(this.view(id), { status, ...facts });
  }

  /** What a stage's jobs cost, as it becomes known. */
  spend(id: string, cost: Cost | undefined): void {
    if (cost !== undefined) this.mark(id, this.view(id).status, { cost: sumOf(this.view(id).cost, cost) });
  }

  /** The jobs of an attempt that did its work. */
  paid(id: string, told: JobTold): void {
    this.spend(id, told.cost);
    this.attempted(id, { ended: 'done', ...told }, { last: true });
  }

  /** How the attempt under way ended. The only one of a stage is told by the stage itself, unless it was interrupted. */
  attempted(id: string, how: Omit<AttemptView, 'attempt'>, { last }: { last: boolean }): void {
    const { status, attempt, attempts = [], interruptions = 0 } = this.view(id);
    if (last && attempts.length === 0 && how.interruptions === undefined) return;
    const told = withAttempt(attempts, { attempt, ...how });
    const count = interruptions + told.more;
    this.mark(id, status, { attempts: told.attempts, ...(count === 0 ? {} : { interruptions: count }) });
  }

  /** How often work of the stages was interrupted; undefined: never. */
  interruptions(): number | undefined {
    const count = this.stages().reduce((sum, stage) => sum + (stage.interruptions ?? 0), 0);
    return count === 0 ? undefined : count;
  }

  /** What all jobs cost so far. */
  cost(): Cost | undefined {
    return this.stages().reduce<Cost | undefined>(
      (all, { cost }) => (cost === undefined ? all : sumOf(all, cost)),
      undefined,
    );
  }

  /** Stages that will not run any more. */
  skipRest(): void {
    for (const v of this.views.values()) if (v.status === 'waiting') v.status = 'skipped';
  }

  /** The values of a stage's bindings by JSON pointer: those at hand, and those that stand in the store. What has no value is left out. */
  inputs(bindings: readonly Binding[]): Required<Pick<StageCall, 'inputs' | 'stored'>> {
    const inputs: Record<string, Json> = {};
    const stored: NonNullable<StageCall['stored']> = {};
    for (const { at, ref } of bindings) {
      const found = bound(ref, this);
      if (found === undefined) continue;
      if ('stored' in found) stored[at] = found.stored;
      else inputs[at] = found.value;
    }
    return { inputs, stored };
  }

  /** The value of one binding that the workflow itself needs; null when it is absent. */
  input(stage: GraphStage, at: string): Json {
    return this.inputs(stage.bindings.filter((b) => b.at === at)).inputs[at] ?? null;
  }

  /** Outputs of one kind, in the order of their stages' ends. */
  outputsOf<T extends StageOutput>(is: (output: StageOutput) => output is T): T[] {
    return [...this.outputs.values()].filter(is);
  }

  stages(): StageView[] {
    return [...this.views.values()];
  }

  status(): RunView['state'] {
    return this.outcome !== null ? 'closed' : this.parked.size > 0 ? 'waiting-approval' : 'running';
  }

  query(): RunView {
    const stages = this.stages();
    const cost = this.cost();
    const interruptions = this.interruptions();
    return {
      workflowId: this.workflowId,
      pipeline: this.pipeline,
      environment: this.environment,
      plan: this.plan,
      params: this.params,
      state: this.status(),
      outcome: this.outcome,
      reason: this.reason,
      stages:
        stages.length > manyStages
          ? stages.map(({ attempts: _attempts, ...s }) => ({ ...s, note: s.note?.slice(0, shortNote) ?? null }))
          : stages,
      decisions: this.decisions.view(),
      rollout: this.rollout,
      ...withoutUndefined({ rerunOf: this.rerunOf, cost, interruptions }),
    };
  }
}
