import { formatDuration } from '../plan/duration.js';
import type { AttemptedDecision, RunEvent, RunRecord, StageView } from '../plan/messages.js';
import type { StageOutput } from '../plan/outputs.js';
import type { Outcome } from '../plan/verdict.js';
import type { TrafficChange } from './traffic.js';

/** What became of a run. All times are those of the skipped clock, ISO 8601. */
export interface PipelineOutcome {
  outcome: Outcome;
  reason: string | null;
  /** Ids of the stages that ran, in the order in which they started. */
  order: string[];
  /** Every stage, in the order of the plan, with what it gave. */
  stages: (StageView & { output: StageOutput | null })[];
  /** One stage by its id; throws for an unknown one. */
  stage(id: string): StageView & { output: StageOutput | null };
  /** Percent of traffic that the new version had, in order: `[10, 50, 100]`, and `0` once it was taken home. */
  weights: number[];
  /** The same with service and time. */
  traffic: TrafficChange[];
  /** What people were told, in order. */
  notifications: RunEvent[];
  /** What became of every decision. */
  decisions: AttemptedDecision[];
  startedAt: string;
  endedAt: string;
  elapsedMs: number;
  /** `elapsedMs` without the seconds that the machine itself took, in whole minutes: `3d 2h`. */
  elapsed: string;
  /** What the run would have written to the store. */
  record: RunRecord;
}

const minuteMs = 60_000;

export function outcomeOf(
  record: RunRecord,
  seen: { traffic: TrafficChange[]; notifications: RunEvent[]; endedAt: Date },
): PipelineOutcome {
  const { outcome, reason, stages, decisions, startedAt } = record;
  const started = stages.filter((s): s is typeof s & { startedAt: string } => s.startedAt !== null);
  const elapsedMs = seen.endedAt.getTime() - Date.parse(startedAt);
  return {
    outcome,
    reason,
    order: started.sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt)).map((s) => s.id),
    stages,
    stage(id) {
      const found = stages.find((s) => s.id === id);
      if (found === undefined)
        throw new Error(`the run has no stage \`${id}\`; it has ${stages.map((s) => s.id).join(', ')}`);
      return found;
    },
    weights: seen.traffic.map((t) => t.weight),
    traffic: seen.traffic,
    notifications: seen.notifications,
    decisions,
    startedAt,
    endedAt: seen.endedAt.toISOString(),
    elapsedMs,
    elapsed: formatDuration(elapsedMs < minuteMs ? elapsedMs : Math.floor(elapsedMs / minuteMs) * minuteMs),
    record,
  };
}
