import type { RunRecord } from '../../plan/messages.js';
import type { Stage } from '../../plan/plan.js';

/** Stage → median of how long it took where it really ran, milliseconds. */
export function typicalDurations(records: readonly RunRecord[]): Map<string, number> {
  const taken = new Map<string, number[]>();
  for (const stage of records.flatMap((r) => r.stages)) {
    if (stage.status !== 'done' || stage.startedAt === null || stage.endedAt === null) continue;
    const ms = Date.parse(stage.endedAt) - Date.parse(stage.startedAt);
    taken.set(stage.id, [...(taken.get(stage.id) ?? []), ms]);
  }
  return new Map([...taken].map(([id, all]) => [id, median(all)]));
}

/** The longest way through the stages, which stand in topological order. */
export function longestPath(stages: readonly Stage[], duration: (stage: Stage) => number): number {
  const ends = new Map<string, number>();
  for (const stage of stages) {
    const begins = Math.max(0, ...stage.needs.map((id) => ends.get(id) ?? 0));
    ends.set(stage.id, begins + duration(stage));
  }
  return Math.max(0, ...ends.values());
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : Math.round((upper + (sorted[middle - 1] ?? upper)) / 2);
}
