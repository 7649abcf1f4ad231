import { formatCost } from '../plan/cost.js';
import { formatDuration } from '../plan/duration.js';
import { interruptionText } from '../plan/job-told.js';
import type { StageView } from '../plan/messages.js';
import type { GateOutput } from '../plan/outputs.js';
import { utf8Length } from '../plan/text-size.js';
import { exampleDecision } from './decision.js';
import type { RolloutState } from './rollout-state.js';
import type { RunState } from './run-state.js';
import { isGate } from './release-facts.js';

const budgetBytes = 20_000;
const mostRows = 150;
const notable: readonly string[] = ['running', 'waiting-approval', 'failed', 'cancelled', 'compensated'];
const marks: Record<StageView['status'], string> = {
  waiting: '·',
  running: '▶',
  'waiting-approval': '⏸',
  done: '✓',
  cached: '✓',
  failed: '✗',
  skipped: '–',
  cancelled: '–',
  compensated: '↶',
};

/** What the Temporal UI shows as current details of a run: where it is, why it waits, the numbers, what to send. */
export function runDetails(state: RunState): string {
  const parts = [
    `**${state.outcome ?? state.status()}** in environment \`${state.environment}\`, plan \`${state.plan.slice(0, 12)}\``,
    ...(state.reason === null ? [] : [cell(state.reason)]),
    ...costLine(state),
    ...waits(state),
    ...stageTable(state.stages()),
    ...state.outputsOf(isGate).map(gateTable),
    ...refused(state),
  ];
  return within(parts);
}

/** Every stage, or of a large plan what is under way or went wrong, so that drawing costs the same for any plan. */
function stageTable(stages: StageView[]): string[] {
  const shown = stages.length > mostRows ? stages.filter((s) => notable.includes(s.status)).slice(0, mostRows) : stages;
  const rows = shown.map((s) => `| ${marks[s.status]} | ${cell(s.id)} | ${s.status} | ${cell(noteOf(s))} |`);
  const ended = stages.filter((s) => s.endedAt !== null).length;
  return [
    ...(shown === stages ? [] : [`${ended} of ${stages.length} stages have ended; under way or not well:`]),
    ['| | stage | state | note |', '|---|---|---|---|', ...rows].join('\n'),
  ];
}

function noteOf({ note, interruptions, attempts }: StageView): string {
  return [interruptionText(interruptions, attempts), note ?? ''].filter((part) => part !== '').join(', ');
}

function costLine(state: RunState): string[] {
  const cost = state.cost();
  if (cost === undefined) return [];
  return [`**${formatCost(cost)}** for ${cost.jobs} jobs that ran ${formatDuration(Math.round(cost.seconds) * 1_000)}`];
}

function waits(state: RunState): string[] {
  return state
    .stages()
    .filter((s) => s.status === 'waiting-approval')
    .map((s) =>
      [
        `### Stage \`${s.id}\` waits for approval`,
        cell(s.note ?? ''),
        `Send the signal \`decide\` with one JSON object:`,
        '```json',
        exampleDecision,
        '```',
        'or `"decision":"reject"`.',
      ]
        .join('\n\n')
        .replace('```json\n\n', '```json\n')
        .replace('\n\n```\n\n', '\n```\n\n'),
    );
}

function gateTable(gate: GateOutput): string {
  const rows = gate.rules.map(
    (r) =>
      `| ${r.verdict === 'pass' ? '✓' : '✗'} | ${cell(r.text)} | ${number(r.value)} | ${number(r.champion)} | ${number(r.threshold)} |`,
  );
  const title = gate.firstModel
    ? 'first model: no champion yet'
    : gate.champion === null
      ? 'absolute rules'
      : `against champion version ${gate.champion.version}`;
  return [
    `#### Gate, ${title}`,
    '| | rule | candidate | champion | threshold |\n|---|---|---|---|---|\n' + rows.join('\n'),
  ].join('\n\n');
}

function refused(state: RunState): string[] {
  return notTaken(
    'Decisions',
    state.decisions.view().filter((d) => d.status === 'ignored'),
  );
}

/** The last few messages that changed nothing, each with why. */
function notTaken(what: string, messages: readonly { at: string; by: string | null; why: string | null }[]): string[] {
  const last = messages.slice(-5).map((m) => `- ${m.at} by ${cell(m.by ?? 'unknown')}: ${cell(m.why ?? '')}`);
  return last.length === 0 ? [] : [[`#### ${what} that were not taken`, ...last].join('\n')];
}

/** The same for a rollout. */
export function rolloutDetails(state: RolloutState): string {
  const { view, steps } = state;
  const rows = steps.map(
    (s) =>
      `| ${s.phase} | ${s.weight} % | ${s.endedAt === '' ? 'now' : formatDuration(Date.parse(s.endedAt) - Date.parse(s.startedAt))} | ${s.report?.verdict ?? ''} |`,
  );
  const judged = steps.at(-1)?.report?.rows.map((r) => `- ${r.name}: **${r.verdict}**, ${cell(r.reason)}`) ?? [];
  return within([
    `**${view.phase}** \`${view.service}\`: candidate at ${view.weight} %`,
    cell(view.note ?? ''),
    ['| phase | weight | held | verdict |', '|---|---|---|---|', ...rows].join('\n'),
    judged.join('\n'),
    ...notTaken(
      'Signals',
      view.refused.map(({ at, by, signal, why }) => ({ at, by, why: `${signal}: ${why}` })),
    ),
  ]);
}

/** Text for a table cell: no line breaks, no markup of others. */
function cell(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[|<>`]/g, (c) => `\\${c}`)
    .slice(0, 500);
}

function number(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}

/** As many parts as fit the budget, whole lines only; says what was cut. */
function within(parts: string[]): string {
  const text = parts.filter((p) => p !== '').join('\n\n');
  // No character of a JavaScript string takes more than three bytes.
  if (text.length * 3 <= budgetBytes) return text;
  if (utf8Length(text) <= budgetBytes) return text;
  const kept: string[] = [];
  let size = 200;
  const lines = text.split('\n');
  for (const line of lines) {
    size += utf8Length(line) + 1;
    if (size > budgetBytes) break;
    kept.push(line);
  }
  return `${kept.join('\n')}\n\n… ${lines.length - kept.length} more lines: \`slipway status\` shows all.`;
}
