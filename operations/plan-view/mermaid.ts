import type { Plan, Verb } from '../../plan/plan.js';
import { edgesOf, type Edge } from './edges.js';

/** Judgements are diamonds, people are hexagons, traffic is a stadium, everything else a box. */
const shapes: Partial<Record<Verb, [open: string, close: string]>> = {
  gate: ['{', '}'],
  when: ['{', '}'],
  validate: ['{', '}'],
  approve: ['{{', '}}'],
  rollout: ['([', '])'],
  promote: ['([', '])'],
};
const arrows: Record<Edge['kind'], string> = { data: '-->', branch: '-->', after: '-.->' };

/** A plan as a Mermaid flow chart: data as arrows, bare order as dotted ones. Node names are numbers, because `end` and others are words of its grammar. */
export function mermaid(plan: Pick<Plan, 'stages'>): string {
  const node = new Map(plan.stages.map((s, i) => [s.id, `s${i + 1}`]));
  const nodes = plan.stages.map((s) => {
    const [open, close] = shapes[s.verb] ?? ['[', ']'];
    return `  ${node.get(s.id)}${open}"${s.id}<br/><small>${s.verb}</small>"${close}`;
  });
  const edges = edgesOf(plan).map(({ from, to, kind, label }) => {
    const text = label === null ? '' : `|${label}|`;
    return `  ${node.get(from)} ${arrows[kind]}${text} ${node.get(to)}`;
  });
  return `${['flowchart TD', ...nodes, ...edges].join('\n')}\n`;
}
