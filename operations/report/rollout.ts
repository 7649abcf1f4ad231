import type { RunRecord, Series } from '../../plan/messages.js';
import type { AnalysisReport, RolloutOutput } from '../../plan/outputs.js';
import { badge, number, span } from './format.js';
import type { Html } from './html.js';
import { html, section, table } from './html.js';
import { outputsOf } from './outputs-of.js';
import type { PlotOptions } from './plot.js';
import { frameOf, plot } from './plot.js';

const plots: Record<Series['name'], PlotOptions> = {
  weight: { title: 'Weight', unit: '% of users', steps: true, most: 100 },
  'fallback-rate': { title: 'Fallback rate', unit: 'share of requests' },
  'mean-confidence': { title: 'Mean confidence', unit: '0 to 1' },
  'p95-ms': { title: 'Latency, 95 % of requests within', unit: 'ms' },
  'request-rate': { title: 'Requests', unit: 'per second' },
};

/** The steps with what was measured in each, then the plots over time. */
export function rolloutSection(record: RunRecord): Html | null {
  const rollouts = outputsOf(record, 'rollout').map(({ id, output }) => rollout(id, output));
  const names = Object.keys(plots) as Series['name'][];
  const frame = frameOf(record.series);
  const drawn = names.map((name) =>
    plot(
      record.series.filter((s) => s.name === name),
      plots[name],
      frame,
    ),
  );
  const shown = drawn.filter((p) => p !== null);
  return section('Rollout', ...rollouts, shown.length === 0 ? null : html`<div class="plots">${shown}</div>`);
}

function rollout(id: string, output: RolloutOutput): Html {
  const first = output.firstModel ? badge('first model') : null;
  const steps = output.steps.map(
    (step) =>
      html`<h3>
          ${step.phase === 'bake' ? 'bake' : `step ${step.weight} %`}
          <span class="dim">${span(step.startedAt, step.endedAt)}</span>
          ${step.report === null ? null : badge(step.report.verdict)}
        </h3>
        ${step.report === null ? null : analysis(step.report)}`,
  );
  return html`<p><strong>${id}</strong> ${badge(output.outcome)} ${first} ${output.service} ${output.version}</p>
    ${output.reason === null ? null : html`<p>${output.reason}</p>`}
    ${output.serving === null ? null : html`<p>after the promotion ${badge(output.serving.verdict)} ${output.serving.reason}</p>`}${steps}`;
}

function analysis(report: AnalysisReport): Html {
  const measured = (m: { value: number | null; samples: number } | null): Html =>
    m === null ? html`–` : html`${number(m.value)} <span class="dim">of ${m.samples}</span>`;
  const rows = report.rows.map((r) => [
    html`<strong>${r.name}</strong> ${r.text}`,
    measured(r.candidate),
    measured(r.champion),
    badge(r.verdict),
    r.reason,
  ]);
  return table(['rule', 'candidate', 'champion', 'verdict', 'why'], rows);
}
