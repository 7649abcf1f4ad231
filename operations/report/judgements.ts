import type { RunRecord } from '../../plan/messages.js';
import type { ApprovalOutput, GateOutput } from '../../plan/outputs.js';
import { badge, instant, number } from './format.js';
import type { Html } from './html.js';
import { html, section, table } from './html.js';
import { outputsOf } from './outputs-of.js';

/** Every gate with each rule: value, champion's value, threshold, verdict. */
export function gateSection(record: RunRecord): Html | null {
  return section('Gates', ...outputsOf(record, 'gate').map(({ id, output }) => gate(id, output)));
}

function gate(id: string, output: GateOutput): Html {
  const against = output.firstModel
    ? badge('first model')
    : output.champion && html`against champion ${output.champion.version}`;
  const rows = output.rules.map((r) => [
    r.text,
    number(r.value),
    number(r.champion),
    number(r.threshold),
    badge(r.verdict),
  ]);
  return html`<p><strong>${id}</strong> ${badge(output.verdict)} ${against}</p>
    ${table(['rule', 'value', 'champion', 'threshold', 'verdict'], rows)}
    ${[...new Set(output.rules.flatMap((r) => r.suspicious ?? []))].map((doubt) => html`<p>${badge('suspicious')} ${doubt}</p>`)}`;
}

/** Who let it pass, and every decision that arrived. */
export function approvalSection(record: RunRecord): Html | null {
  const rows = outputsOf(record, 'approve').map(({ id, output }) => [
    id,
    badge(output.decision),
    identity(output),
    instant(output.at),
    output.channel,
    output.reason,
  ]);
  const approvals = rows.length === 0 ? null : table(['approval', 'decision', 'by', 'at', 'through', 'reason'], rows);
  const tried = record.decisions.map((d) => [instant(d.at), d.channel, d.status, d.by, d.why]);
  const attempts =
    tried.length === 0
      ? null
      : html`<details>
          <summary>Decisions that arrived (${tried.length})</summary>
          ${table(['at', 'through', 'status', 'by', 'why'], tried)}
        </details>`;
  return section('Approval', approvals, attempts);
}

/** A name that nobody proved is said to be so. */
function identity(approval: ApprovalOutput): Html {
  if (approval.by === null) return html`–`;
  return html`${approval.by} ${approval.verified ? badge('verified') : badge('unverified')}`;
}
