import type { GraphStage, PlanGraph } from '../plan/graph.js';
import type { StageOutput } from '../plan/outputs.js';
import { hasSource } from './bindings.js';

/** Counts the open needs of every stage, so that an end costs only what depends on it. */
export class Readiness {
  private readonly open = new Map<string, number>();
  private readonly dependents = new Map<string, GraphStage[]>();

  /** `settled`: stages that have ended before. */
  constructor(
    private readonly graph: PlanGraph,
    private readonly settled: ReadonlySet<string>,
  ) {
    for (const stage of graph.stages) {
      const needs = stage.needs.filter((n) => !settled.has(n));
      this.open.set(stage.id, needs.length);
      for (const need of needs) this.dependents.set(need, [...(this.dependents.get(need) ?? []), stage]);
    }
  }

  /** Stages that wait for nothing at the beginning, in the plan's order. */
  first(): GraphStage[] {
    return this.graph.stages.filter((s) => !this.settled.has(s.id) && this.open.get(s.id) === 0);
  }

  /** A stage has ended: the stages that wait for nothing any more. */
  settle(id: string): GraphStage[] {
    return (this.dependents.get(id) ?? []).filter((s) => {
      const left = (this.open.get(s.id) ?? 0) - 1;
      this.open.set(s.id, left);
      return left === 0;
    });
  }
}

/** No two things are under way at the same time: every stage needs the one before it, and none is many. */
export function oneAtATime({ stages }: PlanGraph): boolean {
  return stages.every(({ needs, verb }, i) => {
    const before = stages[i - 1];
    return verb !== 'each' && (before === undefined || needs.includes(before.id));
  });
}

/** Why a stage whose needs have ended is not run; null: it runs. */
export function skipReason(stage: GraphStage, outputs: ReadonlyMap<string, StageOutput>): string | null {
  const { branch } = stage;
  if (branch !== undefined) {
    const route = outputs.get(branch.of);
    if (route === undefined) return `${branch.of} was not decided`;
    if (!('taken' in route) || route.taken !== branch.taken) return `${branch.of} went the other way`;
  }
  const refs = [...stage.bindings, ...(stage.each?.item.bindings ?? [])].map((b) => b.ref);
  return refs.every((r) => hasSource(r, outputs)) ? null : 'a stage whose output it reads has none';
}
