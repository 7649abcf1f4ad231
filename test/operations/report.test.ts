import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Environment } from '../../config/open.js';
import { reportPage } from '../../operations/report/page.js';
import type { PlotOptions } from '../../operations/report/plot.js';
import { frameOf, plot } from '../../operations/report/plot.js';
import { writeReport } from '../../operations/report.js';
import type { RunRecord, Series } from '../../plan/messages.js';
import { rolledBack } from './run-record.js';

const page = reportPage(rolledBack, 'http://127.0.0.1:8233/namespaces/default/workflows/x');
/** Rows of the tables and definitions as a reader sees them. */
const textOf = (html: string): string =>
  html
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ');
const text = textOf(page);

describe('the report of a run', () => {
  test('names outcome, reason, environment, times and params', () => {
    expect(text).toContain('intent-classifier rolled back');
    expect(text).toContain('fallback-rate at 10 %: 0.21 against 0.03');
    expect(text).toContain('environment demo');
    expect(text).toContain('started 2026-01-05 09:00:00, took 1m 40s');
    expect(text).toContain('epochs = 3');
  });

  test('shows every stage with its time and a bar where it stood in the run', () => {
    for (const s of rolledBack.stages) expect(text).toContain(`${s.id} ${s.verb}`);
    expect(text).toContain('train train done 13s');
    // train ran from second 7 to 20 of 100, on a rail of 200.
    expect(page).toContain('<rect x="14.0" width="26.0" height="10" />');
  });

  test('shows what the run and its stages cost, where that is known', () => {
    const cost = { amount: 0.24, currency: 'EUR', seconds: 240, jobs: 2 };
    const stages = rolledBack.stages.map((s) => (s.id === 'train' ? { ...s, cost: { ...cost, amount: 0.2 } } : s));
    const priced = textOf(reportPage({ ...rolledBack, cost, stages }));
    expect(priced).toContain('cost 0.24 EUR for 2 jobs that ran 4m');
    expect(priced).toContain('train train done 13s 0.20 EUR');
    expect(text).not.toContain('cost');
  });

  test('shows how often a stage was interrupted, and what each of its attempts cost', () => {
    const cost = { amount: 0.12, currency: 'EUR', seconds: 120, jobs: 1 };
    const attempts = [
      { attempt: 1, ended: 'failed' as const, code: 'E_TRAINER_LOST', interrupted: true as const, cost },
      { attempt: 2, ended: 'done' as const, resumedAt: 'epoch 3', cost },
    ];
    const stages = rolledBack.stages.map((s) => (s.id === 'train' ? { ...s, attempts, interruptions: 1 } : s));
    const told = textOf(reportPage({ ...rolledBack, interruptions: 1, stages }));
    expect(told).toContain('interrupted 1 interruption');
    expect(told).toContain(
      '1 interruption, resumed at epoch 3 attempt 1 interrupted (E_TRAINER_LOST), 0.12 EUR attempt 2 done, resumed at epoch 3, 0.12 EUR',
    );
    expect(text).not.toContain('interruption');
  });

  test('shows each gate rule with value, champion, threshold and verdict', () => {
    expect(text).toContain('macroF1 at least 0.8 0.91 0.9 0.8 pass');
    expect(text).toContain('against champion v1');
  });

  test('says who approved and that nobody proved it', () => {
    expect(text).toContain('ada@example.com unverified');
    expect(text).toContain('metrics ok');
  });

  test('shows decisions that changed nothing and why', () => {
    expect(text).toContain('ignored decision must be approve or reject');
  });

  test('shows what was measured in each step of the rollout', () => {
    expect(text).toContain('step 10 % 40s fail');
    expect(text).toContain('0.21 of 240 0.03 of 2100 fail 0.21 against 0.03');
  });

  test('draws weight and fallback rate with one line per version', () => {
    expect(page.match(/<svg viewBox="0 0 640 200"/g)).toHaveLength(2);
    expect(page.match(/class="line line-1"/g)).toHaveLength(1);
  });

  test('follows the chain from the data to the registered version', () => {
    const chain = [
      'data home-assistant-intents aaaaaaaaaaaa',
      'code of train dddddddddddd',
      'model bbbbbbbbbbbb',
      'package intents-0123456789ab.tar.gz 999999999999',
      'registered intents version 3',
    ];
    expect(text).toContain(chain.join(' '));
  });

  test('names the promotion when there was one', () => {
    const promoted = structuredClone(rolledBack);
    const last = promoted.stages.at(-1)!;
    last.output = { ...last.output, outcome: 'promoted', sequence: 4 } as typeof last.output;
    expect(reportPage(promoted)).toContain('demo/intents number 4');
  });

  test('needs no other file and runs no script', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(/);
    expect(page).toContain("default-src 'none'");
  });

  test('follows the reader to light or dark', () => {
    expect(page).toContain('prefers-color-scheme: dark');
  });
});

describe('hostile text in a record', () => {
  const evil = `"><script>alert('x')</script>\u202e<img src=x onerror=alert(1)>`;
  const hostile = replaceStrings(rolledBack, evil);

  test('stays text wherever a record holds text', () => {
    const shown = reportPage(hostile);
    expect(shown).not.toContain('<script');
    expect(shown).not.toContain('<img');
    expect(shown).not.toContain('\u202e');
    expect(shown).toContain('&lt;script&gt;');
  });

  test('is no link unless it is a web address', () => {
    const record = replaceStrings(rolledBack, 'javascript:alert(1)');
    expect(reportPage(record)).not.toContain('href="javascript:');
  });

  /** Every free text of the record replaced; words that the code branches on stay. */
  function replaceStrings(record: RunRecord, value: string): RunRecord {
    const words = new Set(['verb', 'kind', 'status', 'verdict', 'phase', 'outcome', 'format']);
    return JSON.parse(JSON.stringify(record), (key, v: unknown) =>
      typeof v === 'string' && !words.has(key) ? value : v,
    ) as RunRecord;
  }
});

describe('a plot', () => {
  const draw = (series: Series[], options: PlotOptions) => plot(series, options, frameOf(series));
  const pathOf = (drawn: ReturnType<typeof draw>) => /class="line line-0" d="([^"]+)"/.exec(drawn!.markup)![1]!;

  test('leaves a gap where nothing was measured', () => {
    const path = pathOf(
      draw(
        [
          {
            name: 'p95-ms',
            version: 'v1',
            points: [
              [0, 1],
              [1, null],
              [2, 1],
            ],
          },
        ],
        { title: 'p95', unit: 'ms' },
      ),
    );
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).not.toContain('L');
  });

  test('holds a weight until the next one', () => {
    const options = { title: 'Weight', unit: '%', steps: true, most: 100 };
    const path = pathOf(
      draw(
        [
          {
            name: 'weight',
            version: 'v1',
            points: [
              [0, 10],
              [10, 50],
            ],
          },
        ],
        options,
      ),
    );
    expect(path).toBe('M52.0 159.4L620.0 159.4L620.0 93.0');
  });

  test('is left out when there is no value at all', () => {
    expect(draw([{ name: 'p95-ms', version: 'v1', points: [[0, null]] }], { title: 'p95', unit: 'ms' })).toBeNull();
  });

  test('gives a version the same colour and place in time on every plot', () => {
    const frame = { from: 0, to: 10, versions: ['v1', 'v2'] };
    const drawn = plot([{ name: 'p95-ms', version: 'v2', points: [[5, 1]] }], { title: 'p95', unit: 'ms' }, frame);
    expect(drawn!.markup).toContain('class="line line-1" d="M336.0 ');
  });
});

describe('the file of a report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-report-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('lies in the folder whatever the workflow id says', async () => {
    const temporal = { address: '127.0.0.1:7233', namespace: 'default', ui: 'http://127.0.0.1:8233' };
    const file = await writeReport({ temporal } as Environment, { ...rolledBack, workflowId: '../../etc/x y' }, folder);
    expect(basename(file)).toBe('etc-x-y-0193a7c2.html');
    expect(file.startsWith(`${folder}/`)).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain('href="http://127.0.0.1:8233/namespaces/default/workflows/');
  });
});
