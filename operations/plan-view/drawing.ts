import type { Plan, Stage } from '../../plan/plan.js';
import { html, type Html } from '../report/html.js';
import { edgesOf } from './edges.js';

const box = { width: 168, height: 44, gapX: 28, gapY: 46, margin: 12 };

interface Placed {
  stage: Stage;
  x: number;
  y: number;
}

/** The stages of a plan as layers from top to bottom: each stands below everything that it needs. */
export function drawing(plan: Pick<Plan, 'stages'>, mark: (stage: Stage) => string): Html {
  const placed = layout(plan.stages);
  const right = Math.max(...[...placed.values()].map((p) => p.x)) + box.width + box.margin;
  const bottom = Math.max(...[...placed.values()].map((p) => p.y)) + box.height + box.margin;
  return html`<div class="wide">
    <svg viewBox="0 0 ${right} ${bottom}" width="${right}" height="${bottom}" role="img" aria-label="stages and edges">
      <defs>
        <marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0 8 4 0 8z" fill="var(--dim)" />
        </marker>
      </defs>
      ${edgesOf(plan).map(({ from, to, kind, label }) => edgeLine(placed.get(from), placed.get(to), kind, label))}
      ${[...placed.values()].map((p) => stageBox(p, mark(p.stage)))}
    </svg>
  </div>`;
}

/** Layer by longest way from the start; within a layer by where the predecessors stand, so that few lines cross. */
function layout(stages: readonly Stage[]): Map<string, Placed> {
  const layer = new Map<string, number>();
  const layers: Stage[][] = [];
  for (const stage of stages) {
    const depth = Math.max(-1, ...stage.needs.map((id) => layer.get(id) ?? -1)) + 1;
    layer.set(stage.id, depth);
    (layers[depth] ??= []).push(stage);
  }
  const widest = Math.max(...layers.map((l) => l.length));
  const placed = new Map<string, Placed>();
  layers.forEach((members, depth) => {
    const centre = (stage: Stage) => {
      const above = stage.needs.flatMap((id) => placed.get(id)?.x ?? []);
      return above.length === 0 ? 0 : above.reduce((a, b) => a + b, 0) / above.length;
    };
    const sorted = members.map((stage) => ({ stage, at: centre(stage) })).sort((a, b) => a.at - b.at);
    const offset = ((widest - members.length) * (box.width + box.gapX)) / 2;
    sorted.forEach(({ stage }, i) => {
      const x = box.margin + offset + i * (box.width + box.gapX);
      placed.set(stage.id, { stage, x, y: box.margin + depth * (box.height + box.gapY) });
    });
  });
  return placed;
}

function stageBox({ stage, x, y }: Placed, mark: string): Html {
  const shown = stage.id.length > 24 ? `${stage.id.slice(0, 23)}…` : stage.id;
  return html`<g>
    <title>${stage.id}</title>
    <rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6" fill="var(--box)" stroke="var(--edge)" />
    <text x="${x + 10}" y="${y + 18}" style="fill: var(--text); font-weight: 600">${shown}</text>
    <text x="${x + 10}" y="${y + 34}">${stage.verb}${mark === '' ? '' : ` · ${mark}`}</text>
  </g> `;
}

function edgeLine(from: Placed | undefined, to: Placed | undefined, kind: string, label: string | null): Html | null {
  if (from === undefined || to === undefined) return null;
  const [x1, y1, x2, y2] = [from.x + box.width / 2, from.y + box.height, to.x + box.width / 2, to.y];
  const middle = (y1 + y2) / 2;
  const dash = kind === 'after' ? '4 4' : 'none';
  return html`<path
      d="M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}"
      fill="none"
      stroke="var(--dim)"
      stroke-dasharray="${dash}"
      marker-end="url(#tip)"
    />
    ${label === null ? null : html`<text x="${(x1 + x2) / 2 + 4}" y="${middle}">${label}</text>`}`;
}
