import type { RunRecord } from '../../plan/messages.js';
import type { DatasetOutput, Metrics, ModelOutput, ValidateOutput } from '../../plan/outputs.js';
import { shortDigest } from '../../plan/artifact.js';
import { badge, instant, number } from './format.js';
import type { Html } from './html.js';
import { html, link, section, table } from './html.js';
import { outputsOf } from './outputs-of.js';

/** What was learned from: snapshots and what the checks found. */
export function dataSection(record: RunRecord): Html | null {
  const snapshots = outputsOf(record, 'snapshot').map(({ id, output }) => snapshotRow(id, output));
  const checks = outputsOf(record, 'validate').map(({ id, output }) => findings(id, output));
  const head = ['snapshot', 'source', 'rows', 'train', 'holdout', 'digest', 'taken'];
  return section('Data', snapshots.length === 0 ? null : table(head, snapshots), ...checks);
}

function snapshotRow(id: string, data: DatasetOutput): (Html | string | number)[] {
  const { train, holdout } = data.splits;
  return [id, data.source, data.rows, train.rows, holdout?.rows ?? '–', digest(data.digest), instant(data.snapshotAt)];
}

function findings(id: string, checked: ValidateOutput): Html {
  const summary = html`<p>
    <strong>${id}</strong> ${badge(checked.verdict)} ${checked.checked} rows checked, ${checked.findings.length}
    findings
  </p>`;
  if (checked.findings.length === 0) return summary;
  const rows = checked.findings.map((f) => [
    f.message,
    f.failed,
    `${number(f.share * 100)} %`,
    f.rows.join(', '),
    f.refused ? badge('refused') : 'allowed',
  ]);
  return html`${summary}${table(['finding', 'rows', 'share', 'first rows', 'verdict'], rows)}`;
}

/** The trained models with their parameters and numbers, and how each was scored. */
export function modelSection(record: RunRecord): Html | null {
  const models = outputsOf(record, 'train').map(({ id, output }) => model(id, output));
  const scores = outputsOf(record, 'evaluate').map(
    ({ id, output }) =>
      html`<h3>${id}</h3>
        ${metricTable(output.metrics)}`,
  );
  return section('Model', ...models, ...scores);
}

function model(id: string, output: ModelOutput): Html {
  const params = Object.entries(output.params).map(([k, v]) => html`<code>${k} = ${JSON.stringify(v)}</code> `);
  const tracked = output.tracking === undefined ? null : html` · ${link(output.tracking.url, 'tracked run')}`;
  return html`<h3>${id}</h3>
    <p>${params}</p>
    <p class="dim">job ${output.job.id} on ${output.job.adapter}${tracked}</p>
    ${metricTable(output.metrics)}`;
}

/** Plain numbers in one line, nested ones folded away. */
function metricTable(metrics: Metrics): Html {
  const plain = Object.entries(metrics).filter(([, v]) => typeof v === 'number');
  const nested = Object.entries(metrics).filter((e): e is [string, Record<string, number>] => typeof e[1] !== 'number');
  const folded = nested.map(
    ([name, values]) =>
      html`<details>
        <summary>${name} (${Object.keys(values).length})</summary>
        ${table(
          [name, 'value'],
          Object.entries(values).map(([k, v]) => [k, number(v)]),
        )}
      </details>`,
  );
  const line =
    plain.length === 0
      ? null
      : table(
          plain.map(([k]) => k),
          [plain.map(([, v]) => number(v as number))],
        );
  return html`${line}${folded}`;
}

/** First 12 digits, all of them on hover. */
export function digest(sha256: string): Html {
  return html`<code title="${sha256}">${shortDigest(sha256)}</code>`;
}
