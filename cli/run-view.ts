import type { RetriedActivity, RunDetails } from '../client/index.js';
import { formatCost } from '../plan/cost.js';
import { formatDuration } from '../plan/duration.js';
import { attemptText, interruptionCount, interruptionText } from '../plan/job-told.js';
import type { StageView } from '../plan/messages.js';
import { printable } from '../plan/errors.js';
import { colored } from './format.js';
import type { Output } from './output.js';

const marks: Record<StageView['status'], string> = {
  waiting: '·',
  running: '▸',
  'waiting-approval': '?',
  done: '✓',
  cached: '✓',
  failed: '✗',
  skipped: '-',
  cancelled: '-',
  compensated: '↶',
};

/** A run as lines, each short enough for the terminal. */
export function runLines(out: Output, run: RunDetails, now: number): string[] {
  const state = run.state === 'closed' ? (run.outcome ?? 'closed') : run.state;
  const head = `${run.workflowId}  ${colored(out, state)}`;
  const stages = (run.view?.stages ?? []).flatMap((stage) => [stageLine(out, stage, now), ...attemptLines(stage)]);
  const rollout = run.view?.rollout;
  const traffic = rollout
    ? [
        `  ${rollout.service}: ${rollout.phase}, candidate ${rollout.weight} %${rollout.note === null ? '' : `, ${printable(rollout.note, 300)}`}`,
        ...rollout.refused
          .slice(-3)
          .map((r) => `    refused: ${r.signal} by ${printable(r.by, 100)}: ${printable(r.why, 200)}`),
      ]
    : [];
  const retries = run.retrying.map((retried) => `  ${out.colors.yellow(retryLine(retried))}`);
  const { cost, interruptions } = run.view ?? {};
  const spent = cost === undefined ? [] : [`  cost ${formatCost(cost)}`];
  const interrupted = interruptions === undefined ? [] : [`  ${interruptionCount(interruptions)}`];
  const reason = run.reason === null ? [] : [`  ${printable(run.reason, 400)}`];
  const asleep =
    run.view === null && run.state !== 'closed' ? ['  no worker answers; start one with `slipway up`'] : [];
  return [head, ...stages, ...traffic, ...retries, ...spent, ...interrupted, ...reason, ...asleep];
}

function stageLine(out: Output, stage: StageView, now: number): string {
  const mark = colored(out, stage.status).replace(stage.status, marks[stage.status]);
  const verdict = stage.verdict === null ? '' : `  ${colored(out, stage.verdict)}`;
  const attempt = stage.attempt > 1 ? `  attempt ${stage.attempt}` : '';
  const cost = stage.cost === undefined ? '' : `  ${formatCost(stage.cost)}`;
  const text = interruptionText(stage.interruptions, stage.attempts);
  const interrupted = text === '' ? '' : `  ${text}`;
  const note = stage.note === null ? '' : `  ${printable(stage.note, 300)}`;
  return `  ${mark} ${stage.id.padEnd(18)} ${elapsed(stage, now).padEnd(8)}${verdict}${attempt}${cost}${interrupted}${note}`.trimEnd();
}

/** Attempts one by one, where the stage is not all that is to say. */
function attemptLines({ attempts = [] }: StageView): string[] {
  return attempts.map((attempt) => `      ${attemptText(attempt)}`);
}

function retryLine({ activity, id, attempt, failure }: RetriedActivity): string {
  return `waits: ${activity} of ${id}, attempt ${attempt}, after: ${printable(failure, 300)}`;
}

function elapsed(stage: StageView, now: number): string {
  if (stage.startedAt === null) return '';
  return formatDuration((stage.endedAt === null ? now : Date.parse(stage.endedAt)) - Date.parse(stage.startedAt));
}

/**
 * Shows a run while it goes on. On a terminal the picture is drawn again in place;
 * elsewhere each change of a stage is one line, so that a log stays readable.
 */
export class LiveView {
  readonly #out: Output;
  #told = new Map<string, string>();

  constructor(out: Output) {
    this.#out = out;
  }

  show(run: RunDetails, now: number): void {
    if (this.#out.live) this.#out.draw(runLines(this.#out, run, now));
    else this.#tell(run, now);
  }

  #tell(run: RunDetails, now: number): void {
    const rollout = run.view?.rollout;
    if (rollout)
      this.#once(
        'rollout',
        `${rollout.phase} ${rollout.weight} %`,
        `rollout of ${rollout.service}: ${rollout.phase}, candidate ${rollout.weight} %`,
      );
    for (const retried of run.retrying) this.#once(`retry ${retried.id}`, retried.failure, retryLine(retried));
    for (const stage of run.view?.stages ?? []) {
      if (stage.status !== 'waiting')
        this.#once(stage.id, `${stage.status} ${stage.attempt}`, stageLine(this.#out, stage, now).trim());
    }
  }

  #once(key: string, state: string, line: string): void {
    if (this.#told.get(key) === state) return;
    this.#told.set(key, state);
    this.#out.note(line);
  }
}
