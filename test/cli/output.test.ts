import { describe, expect, test } from 'vitest';
import type { RunDetails } from '../../client/index.js';
import { Output, visible } from '../../cli/output.js';
import { LiveView, runLines } from '../../cli/run-view.js';
import type { StageView } from '../../plan/messages.js';

class Screen {
  text = '';
  constructor(
    readonly isTTY: boolean,
    readonly columns = 80,
  ) {}
  write(text: string): void {
    this.text += text;
  }
}

function outputTo(
  stdout: Screen,
  o: { json?: boolean; env?: Record<string, string> } = {},
): { out: Output; stderr: Screen } {
  const stderr = new Screen(false);
  return { out: new Output({ stdout, stderr, json: o.json ?? false, env: o.env ?? {} }), stderr };
}

const stage = (id: string, more: Partial<StageView> = {}): StageView => ({
  id,
  verb: 'train',
  status: 'running',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: null,
  attempt: 1,
  verdict: null,
  note: null,
  ...more,
});
function run(stages: StageView[]): RunDetails {
  const shown = {
    workflowId: 'dev:iris:1',
    pipeline: 'iris',
    environment: 'dev',
    state: 'running' as const,
    outcome: null,
    reason: null,
  };
  const view = { ...shown, plan: 'd', params: {}, stages, decisions: [], rollout: null };
  return {
    ...shown,
    runId: 'r',
    plan: null,
    stage: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    record: null,
    retrying: [],
    view,
  };
}
const now = Date.parse('2026-01-01T00:01:30.000Z');

describe('a run whose jobs cost something', () => {
  test('says so, in all and by stage', () => {
    const cost = { amount: 0.12, currency: 'EUR', seconds: 120, jobs: 1 };
    const found = run([stage('train', { cost }), stage('evaluate')]);
    const { out } = outputTo(new Screen(false));
    const lines = runLines(out, { ...found, view: found.view && { ...found.view, cost } }, now);
    expect(lines.slice(1)).toEqual([
      '  ▸ train              1m 30s    0.12 EUR',
      '  ▸ evaluate           1m 30s',
      '  cost 0.12 EUR',
    ]);
  });
});

describe('colours', () => {
  test('are for terminals only, and not with NO_COLOR', () => {
    const red = (screen: Screen, env = {}) => outputTo(screen, { env }).out.colors.red('x');
    expect(visible(red(new Screen(true)))).toBe('x');
    expect(red(new Screen(true))).not.toBe('x');
    expect(red(new Screen(true), { NO_COLOR: '1' })).toBe('x');
    expect(red(new Screen(false), { FORCE_COLOR: '1' })).toBe('x');
  });
});

describe('control characters of others', () => {
  const hostile = 'eve\u001b[2J\u001b]0;x\u0007\u009b8m\u202e\u001b[31mred';
  const shown = 'eve\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{9b}8m\\u{202e}\\u{1b}[31mred';

  test('are shown, not sent, wherever a command prints them; colours of our own are sent', () => {
    const screen = new Screen(true);
    const { out, stderr } = outputTo(screen);
    out.line(`decided by ${hostile}`);
    out.line(`decided by ${out.colors.bold(hostile)}`);
    out.table(['by'], [[hostile]]);
    out.draw([hostile]);
    out.note(hostile);
    out.faults([{ code: 'E_DECISION', message: hostile }]);
    expect(screen.text.split(shown)).toHaveLength(5);
    expect(stderr.text.split(shown)).toHaveLength(3);
    // oxlint-disable-next-line no-control-regex
    const sent = screen.text.match(/\u001b\[[0-9;]*[A-Za-z]/g);
    expect(new Set(sent)).toEqual(new Set(['\u001b[1m', '\u001b[22m', '\u001b[2m', '\u001b[2K', '\u001b[J']));
    // oxlint-disable-next-line no-control-regex
    expect(screen.text + stderr.text).not.toMatch(/[\u0007\u009b\u202e]/);
  });

  test('are escaped in JSON as JSON does it: a program reads what was there', () => {
    const screen = new Screen(true);
    outputTo(screen, { json: true }).out.facts({ by: hostile });
    // oxlint-disable-next-line no-control-regex
    expect(screen.text).not.toMatch(/[\u0007\u001b\u009b\u202e]/);
    expect(JSON.parse(screen.text)).toEqual({ by: hostile });
  });
});

describe('a table', () => {
  const print = (columns: number): string => {
    const screen = new Screen(true, columns);
    outputTo(screen, { env: { NO_COLOR: '1' } }).out.table(['run', 'state'], [['dev:iris:a-long-run-key', 'promoted']]);
    return screen.text;
  };

  test('has aligned columns', () => {
    expect(print(80)).toBe('run                      state\ndev:iris:a-long-run-key  promoted\n');
  });

  test('becomes a block per row on a terminal of 20 columns', () => {
    expect(print(20)).toBe('run: dev:iris:a-long-run-key\nstate: promoted\n\n');
  });
});

describe('facts', () => {
  test('are the only thing on stdout with --json', () => {
    const screen = new Screen(true);
    const { out } = outputTo(screen, { json: true });
    out.line('for people');
    out.note('progress');
    out.facts({ a: 1 });
    expect(JSON.parse(screen.text)).toEqual({ a: 1 });
  });
});

describe('a run on a terminal', () => {
  test('is drawn again over itself, never wider than the terminal', () => {
    const screen = new Screen(true, 30);
    const view = new LiveView(outputTo(screen).out);
    const seen = run([stage('train', { note: 'a note that is much longer than thirty columns' })]);
    view.show(seen, now);
    const first = screen.text;
    view.show(seen, now);
    expect(screen.text.slice(first.length).startsWith('\u001b[2A')).toBe(true);
    // oxlint-disable-next-line no-control-regex
    const lines = first.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '').split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(30);
  });
});

describe('a run in a log', () => {
  test('tells each change of a stage once', () => {
    const { out, stderr } = outputTo(new Screen(false));
    const view = new LiveView(out);
    view.show(run([stage('train'), stage('gate', { status: 'waiting', startedAt: null })]), now);
    view.show(run([stage('train'), stage('gate', { status: 'waiting', startedAt: null })]), now + 1_000);
    view.show(run([stage('train', { status: 'done', endedAt: '2026-01-01T00:01:00.000Z' }), stage('gate')]), now);
    expect(
      stderr.text
        .trimEnd()
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' ')),
    ).toEqual(['▸ train 1m 30s', '✓ train 1m', '▸ gate 1m 30s']);
  });

  test('shows hostile notes escaped', () => {
    const { out } = outputTo(new Screen(false));
    expect(runLines(out, run([stage('train', { note: 'a\u001b[2Jb\u202e' })]), now)[1]).toContain(
      'a\\u{1b}[2Jb\\u{202e}',
    );
  });

  test('shows what is tried again, and tells it once', () => {
    const { out, stderr } = outputTo(new Screen(false));
    const retrying = [{ activity: 'registerModel', id: 'register', attempt: 3, failure: 'the registry is down' }];
    const line = 'waits: registerModel of register, attempt 3, after: the registry is down';
    expect(runLines(out, { ...run([]), retrying }, now)).toContain(`  ${line}`);
    const view = new LiveView(out);
    for (const attempt of [3, 4]) view.show({ ...run([]), retrying: retrying.map((r) => ({ ...r, attempt })) }, now);
    expect(stderr.text).toBe(`${line}\n`);
  });

  test('shows what a rollout did not follow, and why', () => {
    const { out } = outputTo(new Screen(false));
    const at = '2026-01-01T00:00:00.000Z';
    const refused = [{ at, signal: 'promote', by: 'ada', why: 'it is not paused' }];
    const rollout = { workflowId: 'w', service: 's', phase: 'canary', weight: 10, note: null, refused } as const;
    const steered = run([]);
    const lines = runLines(
      out,
      { ...steered, view: steered.view && { ...steered.view, rollout: { ...rollout, refused } } },
      now,
    );
    expect(lines).toContain('    refused: promote by ada: it is not paused');
  });

  test('says when no worker answers', () => {
    const { out } = outputTo(new Screen(false));
    expect(runLines(out, { ...run([]), view: null }, now).join('\n')).toContain('no worker answers');
  });
});
