import { formatCost } from '../../plan/cost.js';
import { attemptText, interruptionText } from '../../plan/job-told.js';
import type { RunRecord } from '../../plan/messages.js';
import { badge, between, span } from './format.js';
import type { Html } from './html.js';
import { html, section, table } from './html.js';

type Stage = RunRecord['stages'][number];

/** Every stage with its time, as a table with bars on the run's time axis. */
export function stageTable(record: RunRecord): Html | null {
  const total = Math.max(1, between(record.startedAt, record.endedAt));
  const priced = record.stages.some((stage) => stage.cost !== undefined);
  const rows = record.stages.map((stage) => [
    html`<strong>${stage.id}</strong> <span class="dim">${stage.verb}</span>`,
    badge(stage.verdict ?? stage.status),
    span(stage.startedAt, stage.endedAt),
    bar(record, stage, total),
    ...(priced ? [stage.cost === undefined ? null : formatCost(stage.cost)] : []),
    html`${stage.note}${stage.attempt > 1 ? html` <span class="dim">attempt ${stage.attempt}</span>` : null}${attempts(stage)}`,
  ]);
  return section('Stages', table(['stage', 'ended as', 'time', 'when', ...(priced ? ['cost'] : []), 'note'], rows));
}

/** How often the stage was interrupted, and each attempt with what it cost. */
function attempts({ interruptions, attempts: all = [] }: Stage): Html | null {
  if (all.length === 0) return null;
  const text = interruptionText(interruptions, all);
  const lines = [...(text === '' ? [] : [text]), ...all.map(attemptText)];
  return html`${lines.map((line) => html`<br /><span class="dim">${line}</span>`)}`;
}

function bar(record: RunRecord, stage: Stage, total: number): Html | null {
  if (stage.startedAt === null) return null;
  const x = (between(record.startedAt, stage.startedAt) / total) * 200;
  const wide = Math.max(1.5, (between(stage.startedAt, stage.endedAt ?? record.endedAt) / total) * 200);
  return html`<svg class="bar" viewBox="0 0 200 10" aria-hidden="true">
    <rect class="rail" width="200" height="10" />
    <rect x="${Math.min(x, 198).toFixed(1)}" width="${Math.min(wide, 200).toFixed(1)}" height="10" />
  </svg>`;
}
