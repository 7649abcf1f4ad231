import { formatDuration } from '../../plan/duration.js';
import { outputsOf } from '../report/outputs-of.js';
import type { Played } from './findings.js';
import { versionOf } from './findings.js';

const head = ['run', 'outcome', 'version', 'time', 'approved by', 'requests', 'failures'];

/** The acts, one a row, in columns for a terminal. */
export function summaryTable(played: readonly Played[]): string[] {
  const rows = [head, ...played.map(summaryRow)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function summaryRow({ act, record, traffic }: Played): string[] {
  const approvals = outputsOf(record, 'approve').map(
    ({ output }) => `${output.by ?? output.decision}${output.verified ? '' : ' (unverified)'}`,
  );
  return [
    act.name,
    record.outcome,
    versionOf(record)?.label ?? '–',
    formatDuration(Date.parse(record.endedAt) - Date.parse(record.startedAt)),
    approvals.join(', ') || '–',
    String(traffic.requests),
    String(traffic.failures),
  ];
}
