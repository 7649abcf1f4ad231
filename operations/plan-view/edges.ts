import type { Plan, Ref, Stage } from '../../plan/plan.js';

/** One edge of a plan: `data` where a value travels, `branch` from a `when`, else `after`. */
export interface Edge {
  from: string;
  to: string;
  kind: 'data' | 'branch' | 'after';
  /** On a branch: which way. */
  label: 'yes' | 'no' | null;
}

/** Every edge of a plan once, in the order of its stages. */
export function edgesOf(plan: Pick<Plan, 'stages'>): Edge[] {
  return plan.stages.flatMap((stage) => {
    const sources = new Set(stage.bindings.flatMap((b) => stagesOf(b.ref)));
    return stage.needs.map((from) => edge(stage, from, sources));
  });
}

function edge(stage: Stage, from: string, sources: ReadonlySet<string>): Edge {
  if (sources.has(from)) return { from, to: stage.id, kind: 'data', label: null };
  if (stage.branch?.of === from)
    return { from, to: stage.id, kind: 'branch', label: stage.branch.taken ? 'yes' : 'no' };
  return { from, to: stage.id, kind: 'after', label: null };
}

function stagesOf(ref: Ref): string[] {
  if (ref.from === 'either') return ref.refs.flatMap(stagesOf);
  return ref.from === 'stage' ? [ref.stage] : [];
}
