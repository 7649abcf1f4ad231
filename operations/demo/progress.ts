import type { RunView, StageView } from '../../plan/messages.js';

/** Lines for what changed in a run since it was last looked at. */
export function changes(before: RunView | null, now: RunView): string[] {
  const stages = now.stages.flatMap((stage) => {
    const then = before?.stages.find((s) => s.id === stage.id);
    return then?.status === stage.status && then.verdict === stage.verdict ? [] : stageLine(stage);
  });
  return [...stages, ...rolloutLine(before, now)];
}

function stageLine(stage: StageView): string[] {
  if (stage.status === 'waiting' || stage.status === 'skipped') return [];
  const time =
    stage.startedAt === null || stage.endedAt === null
      ? ''
      : ` ${((Date.parse(stage.endedAt) - Date.parse(stage.startedAt)) / 1_000).toFixed(1)} s`;
  const verdict = stage.verdict === null ? '' : ` ${stage.verdict}`;
  const note = stage.note === null ? '' : `  ${stage.note}`;
  return [`${stage.id.padEnd(16)} ${stage.status}${verdict}${time}${note}`];
}

function rolloutLine(before: RunView | null, now: RunView): string[] {
  const [then, rollout] = [before?.rollout ?? null, now.rollout];
  // Its end is the stage's own line.
  if (rollout === null || rollout.phase === 'done') return [];
  if (then !== null && then.phase === rollout.phase && then.weight === rollout.weight && then.note === rollout.note)
    return [];
  const note = rollout.note === null || rollout.note === then?.note ? '' : `  ${rollout.note}`;
  return [`${''.padEnd(16)} ${rollout.phase} ${rollout.weight} %${note}`];
}
