import {
  CancellationScope,
  CancelledFailure,
  allHandlersFinished,
  condition,
  isCancellation,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import type { GraphStage, PlanGraph } from '../plan/graph.js';
import type { Outcome } from '../plan/verdict.js';
import type { StageOutput } from '../plan/outputs.js';
import { OverBudget } from './budget.js';
import { compensate } from './compensate.js';
import { failedAttempt, failureFacts, failureReason } from './failure-facts.js';
import { oneAtATime, Readiness, skipReason } from './readiness.js';
import { regardless } from './regardless.js';
import type { RunContext } from './run-context.js';
import type { StageResult } from './run-state.js';
import { stageRunners } from './stages/index.js';

export interface WalkEnd {
  outcome: Outcome;
  reason: string | null;
  /** What the run fails with, when it failed or was cancelled. */
  error: unknown;
}
/** How a walk ends: with an outcome, or because its history is long and the next run goes on. */
export type Walked = WalkEnd | 'continue-as-new';

/** A state larger than this (characters) is not handed on: the server takes at most 2 MB. */
const mostCarried = 1_000_000;
/** Messages after which a run continues as new, long before the server's limit. */
const manySignals = 1_000;
const settled: readonly string[] = ['done', 'cached', 'skipped', 'failed', 'compensated'];

/**
 * Walks the plan: every stage starts as soon as its predecessors have ended, stages without a path between them at
 * the same time. A no (or a failure) starts nothing more and cancels what runs.
 */
export async function walk(run: RunContext, graph: PlanGraph): Promise<Walked> {
  try {
    const walker = new Walker(run, graph);
    await walker.begin();
    await regardless(() => condition(() => walker.rests()));
    return await walker.rested();
  } catch (error) {
    return { outcome: isCancellation(error) ? 'cancelled' : 'failed', reason: failureReason(error), error };
  }
}

class Walker {
  /** Of all that a stop cancels: nothing where one thing follows the other, and a scope would cost a run eight promises. */
  private readonly scope: CancellationScope;
  private readonly readiness: Readiness;
  private readonly inFlight = new Set<string>();
  /** Stages that would start, while the run is about to continue as new. */
  private held: GraphStage[] = [];
  private end: WalkEnd | null = null;
  private undo = false;
  private draining: boolean | null = null;

  constructor(
    private readonly context: RunContext,
    graph: PlanGraph,
  ) {
    const ended = context.state.stages().filter((s) => settled.includes(s.status));
    this.readiness = new Readiness(graph, new Set(ended.map((s) => s.id)));
    this.scope = oneAtATime(graph) ? CancellationScope.current() : new CancellationScope({ cancellable: true });
  }

  begin(): Promise<void> | void {
    const start = () => this.startAll(this.readiness.first());
    return this.scope === CancellationScope.current() ? start() : this.scope.run(async () => start());
  }

  rests(): boolean {
    return this.inFlight.size === 0 || this.mayContinueAsNew();
  }

  rested(): Walked | Promise<Walked> {
    if (this.end === null && (this.inFlight.size > 0 || this.held.length > 0)) {
      if (this.scope.consideredCancelled) throw new CancelledFailure('cancelled before its next stage');
      return 'continue-as-new';
    }
    this.context.state.skipRest();
    return this.end === null ? this.finished() : this.undone(this.end);
  }

  /** Starts what is to run; what is not gives way to the stages behind it. */
  private startAll(stages: GraphStage[]): void {
    const queue = [...stages];
    for (let stage = queue.shift(); stage !== undefined && this.end === null; stage = queue.shift()) {
      const why = skipReason(stage, this.context.state.outputs);
      if (why === null) this.start(stage);
      else {
        this.context.state.mark(stage.id, 'skipped', { note: why });
        queue.push(...this.readiness.settle(stage.id));
      }
    }
  }

  private start(stage: GraphStage): void {
    const { state } = this.context;
    if (this.drains() && !state.parked.has(stage.id)) return void this.held.push(stage);
    this.inFlight.add(stage.id);
    if (!state.parked.has(stage.id))
      state.mark(stage.id, 'running', { startedAt: new Date().toISOString(), attempt: 1 });
    void this.runStage(stage).then(
      (result) => this.ended(stage, () => this.done(stage, result)),
      (error: unknown) => this.ended(stage, () => this.failed(stage, error)),
    );
  }

  /** Not `async`: a stage costs a run as few promises as may be. */
  private runStage(stage: GraphStage): Promise<StageResult> {
    try {
      return stageRunners[stage.verb](stage, this.context);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  private ended(stage: GraphStage, how: () => void): void {
    try {
      how();
    } catch (error) {
      this.failed(stage, error);
    }
    this.inFlight.delete(stage.id);
    if (this.end === null) this.startAll(this.readiness.settle(stage.id));
  }

  private done(stage: GraphStage, { output, cached, stop, ...result }: StageResult): void {
    const { state } = this.context;
    state.outputs.set(stage.id, output);
    const facts = { endedAt: new Date().toISOString(), verdict: result.verdict ?? null };
    if (cached === undefined) {
      state.completed.push(stage.id);
      state.mark(stage.id, 'done', { ...facts, note: result.note ?? null });
    } else {
      const note = [`from run ${cached.run}`, result.note].filter((n) => n !== undefined).join(': ');
      state.mark(stage.id, 'cached', { ...facts, note, cached });
    }
    if (stop !== undefined) this.stop({ ...stop, error: null });
  }

  private failed(stage: GraphStage, error: unknown): void {
    const cancelled = isCancellation(error);
    const { state } = this.context;
    // An each has spent what its elements cost, one by one.
    const alone = stage.verb !== 'each';
    if (alone) state.spend(stage.id, failureFacts(error).cost);
    if (error instanceof OverBudget) {
      state.mark(stage.id, 'failed', { endedAt: new Date().toISOString(), verdict: 'fail', note: error.message });
      return this.stop({ outcome: 'rejected', reason: `${stage.id}: ${error.message}`, error: null });
    }
    if (alone) state.attempted(stage.id, failedAttempt(error), { last: true });
    state.mark(stage.id, cancelled ? 'cancelled' : 'failed', {
      endedAt: new Date().toISOString(),
      note: failureReason(error),
    });
    if (cancelled) return this.stop({ outcome: 'cancelled', reason: `${stage.id}: ${failureReason(error)}`, error });
    if (stage.onFailure === 'continue' && this.end === null) return;
    const reason = whatFailed(stage, state.pipeline, state.view(stage.id).attempt, error, state.workflowId);
    if (this.end === null) this.undo = stage.onFailure === 'compensate';
    this.stop({ outcome: 'failed', reason, error });
  }

  /** The first end counts; whatever still runs is cancelled. */
  private stop(end: WalkEnd): void {
    if (this.end !== null) return;
    this.end = end;
    // The stage that stops the run is in flight itself.
    if (this.inFlight.size > 1) this.scope.cancel();
  }

  private async undone(end: WalkEnd): Promise<WalkEnd> {
    if (!this.undo) return end;
    const failures = await compensate(this.context);
    return { ...end, reason: [end.reason, ...failures].join('; ') };
  }

  private finished(): WalkEnd {
    const promoted = [...this.context.state.outputs.values()].some(isPromoted);
    return { outcome: promoted ? 'promoted' : 'completed', reason: null, error: null };
  }

  /** The history is long: nothing new starts, what runs ends first. */
  private drains(): boolean {
    if (this.draining !== null) return this.draining;
    const { state } = this.context;
    if (!workflowInfo().continueAsNewSuggested && state.decisions.signals <= manySignals) return false;
    this.draining = JSON.stringify(state.carry()).length <= mostCarried;
    if (!this.draining) log.warn('the run cannot continue as new: its state is too large to hand on');
    return this.draining;
  }

  /** Nothing but approvals that wait, and nobody is owed an answer. */
  private mayContinueAsNew(): boolean {
    const { state, busy } = this.context;
    if (this.end !== null || busy || this.scope.consideredCancelled || !this.drains()) return false;
    const resting = [...this.inFlight].every((id) => state.parked.has(id) && state.decisions.next(id) === undefined);
    return resting && allHandlersFinished();
  }
}

function isPromoted(output: StageOutput): boolean {
  return 'outcome' in output && output.outcome === 'promoted' && !('kind' in output && output.kind === 'run');
}

/** Who failed, at what, and what to do next, in one line. */
function whatFailed(stage: GraphStage, pipeline: string, attempt: number, error: unknown, run: string): string {
  const { adapter } = failureFacts(error);
  const who = [`attempt ${attempt}`, ...(adapter === undefined ? [] : [`adapter ${adapter}`])].join(', ');
  return `stage ${stage.id} of ${pipeline} failed (${stage.verb}, ${who}): ${failureReason(error)}. Next: mend the cause, then \`slipway rerun ${run} --from ${stage.id}\``;
}
