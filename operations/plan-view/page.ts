import { formatDuration } from '../../plan/duration.js';
import type { Plan } from '../../plan/plan.js';
import { html, section, table, type Html } from '../report/html.js';
import { style } from '../report/style.js';
import type { PlanDescription } from './describe-plan.js';
import { drawing } from './drawing.js';

const prospectText = { cached: 'cached', runs: '', unknown: '' } as const;

/** A plan as one self-contained page: the drawing, then every stage with its numbers. */
export function planPage(plan: Plan, d: PlanDescription): string {
  const cached = new Map(d.stages.map((s) => [s.id, prospectText[s.prospect.prospect]]));
  const body = html`<h1>${d.pipeline}</h1>
    <p class="dim">plan ${d.plan.slice(0, 12)} in ${d.environment}</p>
    <p>
      At least ${formatDuration(d.minimumMs)} of holds and
      bakes${d.estimateMs === null ? '' : `; about ${formatDuration(d.estimateMs)} by ${d.pastRuns} past runs`}
    </p>
    ${drawing(plan, (stage) => cached.get(stage.id) ?? '')} ${section('Stages', stageTable(d))}
    ${section(
      'Params',
      d.params.length === 0
        ? null
        : table(
            ['name', 'type', 'default'],
            d.params.map((p) => [p.name, p.type, p.default ?? (p.required ? 'required' : 'optional')]),
          ),
    )}`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${html`${d.pipeline}`.markup}</title><style>${style}</style></head><body>${body.markup}</body></html>\n`;
}

function stageTable(d: PlanDescription): Html {
  const rows = d.stages.map((s) => [
    html`<strong>${s.id}</strong>`,
    s.verb,
    s.details.map((line) => html`<p>${line}</p> `),
    `${s.prospect.prospect}: ${s.prospect.because}`,
  ]);
  return table(['stage', 'verb', 'what', 'now'], rows);
}
