import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { badge, instant, span } from '../report/format.js';
import { html, section, table } from '../report/html.js';
import { document } from '../report/page.js';
import type { Played } from './findings.js';
import { versionOf } from './findings.js';

/** Writes `index.html` beside the reports: the three runs with a link to each. Returns its path. */
export async function writeIndexPage(played: readonly Played[], reports: readonly string[]): Promise<string> {
  const file = join(dirname(reports[0] ?? ''), 'index.html');
  const rows = played.map(({ act, record, traffic }, i) => [
    html`<a href="${encodeURIComponent(basename(reports[i] ?? ''))}">${act.name}</a>
      <span class="dim">${act.title}</span>`,
    badge(record.outcome),
    versionOf(record)?.label,
    `${instant(record.startedAt)}, ${span(record.startedAt, record.endedAt)}`,
    traffic.requests,
    traffic.failures,
  ]);
  const head = ['run', 'outcome', 'version', 'when', 'requests', 'failures'];
  await writeFile(
    file,
    document('Slipway demo', [html`<h1>Three releases of one pipeline</h1>`, section('Runs', table(head, rows))]),
  );
  return file;
}
