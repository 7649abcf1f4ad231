import { formatCost, type Cost } from '../../plan/cost.js';
import { formatDuration } from '../../plan/duration.js';
import { interruptionCount } from '../../plan/job-told.js';
import { canonicalJson } from '../../plan/json.js';
import type { RunRecord } from '../../plan/messages.js';
import { dataSection, digest, modelSection } from './data.js';
import { badge, instant, span } from './format.js';
import { Html, html, link } from './html.js';
import { approvalSection, gateSection } from './judgements.js';
import { lineageSection } from './lineage.js';
import { rolloutSection } from './rollout.js';
import { stageTable } from './stages.js';
import { style } from './style.js';

/** One run as a page that needs nothing but itself: no script, no other file. `ui` links to the run in Temporal's UI. */
export function reportPage(record: RunRecord, ui?: string): string {
  const content = [
    header(record, ui),
    stageTable(record),
    dataSection(record),
    modelSection(record),
    gateSection(record),
    approvalSection(record),
    rolloutSection(record),
    lineageSection(record),
  ];
  return document(`${record.pipeline} ${record.outcome}`, content);
}

/** The frame of every page. */
export function document(title: string, content: readonly (Html | null)[]): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        ${content}
        <footer>All times UTC. Made by Slipway from the run record.</footer>
      </body>
    </html> `.markup;
}

function header(record: RunRecord, ui: string | undefined): Html {
  const params = Object.entries(record.params).map(([k, v]) => html`<code>${k} = ${canonicalJson(v)}</code> `);
  return html`<header>
    <h1>${record.pipeline} ${badge(record.outcome)}</h1>
    ${record.reason === null ? null : html`<p>${record.reason}</p>`}
    <dl class="facts">
      <dt>environment</dt>
      <dd>${record.environment}</dd>
      <dt>run</dt>
      <dd>
        ${ui === undefined ? record.workflowId : link(ui, record.workflowId)} <span class="dim">${record.runId}</span>
      </dd>
      <dt>started</dt>
      <dd>${instant(record.startedAt)}, took ${span(record.startedAt, record.endedAt)}</dd>
      ${
        record.cost === undefined
          ? null
          : html`<dt>cost</dt>
              <dd>${formatCost(record.cost)} for ${record.cost.jobs} jobs that ran ${duration(record.cost)}</dd>`
      }
      ${
        record.interruptions === undefined
          ? null
          : html`<dt>interrupted</dt>
              <dd>${interruptionCount(record.interruptions)}</dd>`
      }
      <dt>params</dt>
      <dd>${params}</dd>
      <dt>plan</dt>
      <dd>${digest(record.plan)}</dd>
    </dl>
  </header> `;
}

function duration({ seconds }: Cost): string {
  return formatDuration(Math.round(seconds) * 1_000);
}
