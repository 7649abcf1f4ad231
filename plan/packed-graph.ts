import type { GraphLimits, GraphStage, PlanGraph } from './graph.js';
import type { Binding, Ref, Verb } from './plan.js';

/** A stage by its number, or by its id when the graph has none of that id. */
type StageNumber = number | string;
/** A stage's output as `[stage, ...path]`; any other reference as it is. */
type PackedRef = [StageNumber, ...string[]] | Exclude<Ref, { from: 'stage' }>;
type PackedStage = [
  id: string,
  verb: Verb,
  needs: StageNumber[],
  bindings: [at: string, ref: PackedRef][],
  limits: number,
  own?: Omit<GraphStage, 'id' | 'verb' | 'needs' | 'bindings' | 'limits'>,
];

/** A graph as it travels through the history: what is said often is said once. */
export interface PackedGraph extends Omit<PlanGraph, 'stages'> {
  limits: GraphLimits[];
  stages: PackedStage[];
}

export function packGraph({ stages, ...facts }: PlanGraph): PackedGraph {
  const numbers = new Map(stages.map((s, i) => [s.id, i]));
  const numberOf = (id: string): StageNumber => numbers.get(id) ?? id;
  const limits = new Map<string, { at: number; value: GraphLimits }>();
  const packed = stages.map(({ id, verb, needs, bindings, limits: own, ...rest }): PackedStage => {
    const text = JSON.stringify(own);
    const known = limits.get(text) ?? { at: limits.size, value: own };
    limits.set(text, known);
    const bound = bindings.map(({ at, ref }): [string, PackedRef] => [
      at,
      ref.from === 'stage' ? [numberOf(ref.stage), ...ref.path] : ref,
    ]);
    const needed = needs.map(numberOf);
    if (Object.keys(rest).length === 0) return [id, verb, needed, bound, known.at];
    return [id, verb, needed, bound, known.at, rest];
  });
  return { ...facts, limits: [...limits.values()].map((l) => l.value), stages: packed };
}

/** The graph again, its turn on every stage. Histories of earlier builds hold it as it is. */
export function unpackGraph(graph: PackedGraph | PlanGraph): PlanGraph {
  if (!('limits' in graph)) return graph;
  const { limits, stages, ...facts } = graph;
  const idOf = (n: StageNumber): string => (typeof n === 'string' ? n : (stages[n]?.[0] ?? ''));
  const unpacked = stages.map(([id, verb, needs, bindings, at, own]): GraphStage => {
    const bound = bindings.map(([pointer, ref]): Binding => ({ at: pointer, ref: unpackRef(ref, idOf) }));
    const ownLimits = limits[at];
    if (ownLimits === undefined) throw new Error(`the graph has no limits ${at}`);
    const turn = facts.turn === undefined ? {} : { turn: facts.turn };
    return { id, verb, needs: needs.map(idOf), bindings: bound, limits: ownLimits, ...own, ...turn };
  });
  return { ...facts, stages: unpacked };
}

function unpackRef(ref: PackedRef, idOf: (n: StageNumber) => string): Ref {
  if (!Array.isArray(ref)) return ref;
  const [stage, ...path] = ref;
  return { from: 'stage', stage: idOf(stage), path };
}
