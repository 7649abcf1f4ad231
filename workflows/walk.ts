import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { GraphStage } from '../plan/graph.js';
import type { Outcome } from '../plan/verdict.js';
import { failureReason } from './failure-facts.js';
import type { RunContext } from './run-context.js';
import { stageRunners } from './stages/index.js';

export interface WalkEnd {
  outcome: Outcome;
  reason: string | null;
  /** What the run fails with, when it failed or was cancelled. */
  error: unknown;
}

/**
 * Walks the plan: every stage starts as soon as its predecessors are done, stages without a path between them at
 * the same time. A no (or a failure) starts nothing more and cancels what runs.
 */
export async function walk(run: RunContext): Promise<WalkEnd> {
  const walker = new Walker(run);
  try {
    return await walker.run();
  } catch (error) {
    return { outcome: isCancellation(error) ? 'cancelled' : 'failed', reason: failureReason(error), error };
  }
}

class Walker {
  private readonly scope = new CancellationScope({ cancellable: true });
  private inFlight = 0;
  private end: WalkEnd | null = null;

  constructor(private readonly context: RunContext) {}

  async run(): Promise<WalkEnd> {
    return await this.scope.run(async () => {
      for (;;) {
        if (this.end === null) this.context.state.ready().forEach((s) => this.start(s));
        if (this.inFlight === 0) break;
        const before = this.inFlight;
        await CancellationScope.nonCancellable(() => condition(() => this.inFlight < before));
      }
      this.context.state.skipRest();
      return this.end ?? this.finished();
    });
  }

  private start(stage: GraphStage): void {
    this.inFlight++;
    this.context.state.mark(stage.id, 'running', { startedAt: new Date().toISOString(), attempt: 1 });
    this.context.show();
    void this.runStage(stage).finally(() => {
      this.inFlight--;
      this.context.show();
    });
  }

  private async runStage(stage: GraphStage): Promise<void> {
    const { state } = this.context;
    try {
      const result = await stageRunners[stage.verb](stage, this.context);
      state.outputs.set(stage.id, result.output);
      state.mark(stage.id, 'done', {
        endedAt: new Date().toISOString(),
        verdict: result.verdict ?? null,
        note: result.note ?? null,
      });
      if (result.stop !== undefined) this.stop({ ...result.stop, error: null });
    } catch (error) {
      const cancelled = isCancellation(error);
      state.mark(stage.id, cancelled ? 'cancelled' : 'failed', {
        endedAt: new Date().toISOString(),
        note: failureReason(error),
      });
      this.stop({ outcome: cancelled ? 'cancelled' : 'failed', reason: `${stage.id}: ${failureReason(error)}`, error });
    }
  }

  /** The first end counts; whatever still runs is cancelled. */
  private stop(end: WalkEnd): void {
    if (this.end !== null) return;
    this.end = end;
    this.scope.cancel();
  }

  private finished(): WalkEnd {
    const promoted = this.context.state.stages().some((s) => s.verb === 'rollout');
    return { outcome: promoted ? 'promoted' : 'completed', reason: null, error: null };
  }
}
