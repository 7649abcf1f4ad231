import type { ChampionFact } from '../activities/resolve-champion.js';
import type { PlanGraph } from '../plan/graph.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { RolloutView, StageView } from '../plan/messages.js';
import type { StageOutput } from '../plan/outputs.js';
import type { Received } from './decisions.js';
import { refusal } from './failure-facts.js';

/** An approval that waits. Its deadline is a point in time (milliseconds since the epoch), so that it survives any number of runs. */
export interface ParkedApproval {
  deadline: number;
  approvers: string[];
}

/** The state that a run hands to itself when it continues as new. */
export interface CarriedRun {
  format: 1;
  startedAt: string;
  environment: string;
  graph: PlanGraph;
  params: JsonObject;
  stages: StageView[];
  outputs: [string, StageOutput][];
  completed: string[];
  champions: [string, ChampionFact | null][];
  parked: [string, ParkedApproval][];
  decisions: Received[];
  rollout: RolloutView | null;
  rerunOf: string | null;
  quiet: boolean;
}

/** A run of another build may have written it: a form that this build does not know is refused. */
export function carriedRun(value: Json): CarriedRun {
  const carried = value as unknown as CarriedRun;
  if (carried.format === 1) return carried;
  throw refusal('E_SCHEMA_VERSION', 'SchemaVersion', `carried state of format ${carried.format}; this build reads 1`);
}
